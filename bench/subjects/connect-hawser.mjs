// Connections made by hawser: connect, one message and its echo, both FINs, again. Argument: owned
// or await.
import process from "node:process";
import { announceClient, makePayloads, verify } from "./client.mjs";
import { loadHawser } from "./hawser.mjs";

const hawser = await loadHawser(["connect"]);

const styles = {
  async await(endpoint, payload) {
    const connection = await hawser.connect(endpoint);
    await connection.send(payload);
    verify(await connection.receive({ min: payload.length }), payload);
    await connection.close();
  },
  owned(endpoint, payload) {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const options = {
        data(connection, bytes) {
          received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
          if (received.length < payload.length) return;
          try {
            verify(received, payload);
          } catch (error) {
            reject(error);
          }
          connection.close();
        },
        close: (_, error) => (error === null ? resolve() : reject(error)),
      };
      hawser.connect(endpoint, options).then((connection) => connection.write(payload), reject);
    });
  },
};

if (hawser !== null) {
  const live = styles[process.argv[2]];
  announceClient(({ port, connections, size }, done, failed) => {
    const [payload] = makePayloads(size);
    let running = true;
    async function run() {
      while (running) {
        await live(`tcp://127.0.0.1:${port}`, payload);
        done();
      }
    }
    for (let index = 0; index < connections; index++) run().catch(failed);
    return () => {
      running = false;
    };
  });
}
