// Run in a network namespace by vanishing.test.ts: a database server, and its client over hawser.
// For each way of being caught (an idle connection, a query that waits for its answer, one that is
// sent into nothing) it connects and says `ready`; when it is told on standard input that packets
// are dropped, it waits for what the client says and prints that and how long it took; and when it
// is told that they pass again, it goes on.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { type ConnectionDuplex, createSocket, toDuplex } from "../../lib/adapters/duplex.ts";
import { Connection } from "../../lib/index.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import {
  type DatabaseServer,
  peer,
  redisClient,
  startMariadb,
  startPostgres,
  startRedis,
} from "./servers.ts";

const keepAlive = { idle: 1_000, interval: 1_000, count: 2 };

interface Failure {
  readonly code?: string;
}

/** One connection of a client's. */
interface Session {
  readonly socket: ConnectionDuplex;
  /** What the server answered, as text. */
  readonly answer: string;
  /** Resolves with what a query that takes for ever fails with. */
  query(): Promise<Failure>;
  /** Resolves with what the client says when nobody has asked it anything. */
  idle(): Promise<Failure>;
}

interface Database {
  start(): Promise<DatabaseServer>;
  connect(port: number): Promise<Session>;
}

const failureOf = (promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    () => ({}),
    (error) => error,
  );

const redis: Database = {
  start: startRedis,
  async connect(port) {
    const connection = new Connection(`tcp://127.0.0.1:${port}`, { keepAlive });
    const socket = toDuplex(connection.start());
    const client = redisClient(() => socket);
    const told = new Promise<Failure>((resolve) => client.on("error", resolve));
    // It says of a command that is under way only that the connection is closed.
    const query = async () => {
      const lost = await failureOf(client.blpop("nobody", 0));
      return lost instanceof Error ? told : lost;
    };
    return { socket, answer: await client.ping(), query, idle: () => told };
  },
};

interface PgClient {
  connect(): Promise<void>;
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: "error", listener: (error: Failure) => void): void;
}

function postgres(certificates?: Certificates): Database {
  const ssl = certificates === undefined ? false : { ca: certificates.ca };
  return {
    start: () => startPostgres(certificates?.server),
    async connect(port) {
      const { Client } = peer<{ Client: new (options: object) => PgClient }>("pg");
      const socket = createSocket({ keepAlive });
      const options = { host: "localhost", port, user: "test", database: "postgres", ssl };
      const client = new Client({ ...options, stream: () => socket });
      const told = new Promise<Failure>((resolve) => client.on("error", resolve));
      await client.connect();
      const { rows } = await client.query("select 6 * 7 as answer");
      const query = () => failureOf(client.query("select pg_sleep(600)"));
      return { socket, answer: `${rows[0]?.["answer"]}`, query, idle: () => told };
    },
  };
}

interface MysqlClient {
  query(text: string): Promise<[Record<string, unknown>[]]>;
  on(event: "error", listener: (error: Failure) => void): void;
}

const mariadb: Database = {
  start: startMariadb,
  async connect(port) {
    const { createConnection } = peer<{ createConnection(options: object): Promise<MysqlClient> }>(
      "mysql2/promise",
    );
    const connection = new Connection(`tcp://127.0.0.1:${port}`, { keepAlive });
    const socket = toDuplex(connection.start());
    const client = await createConnection({ user: "root", stream: () => socket });
    const told = new Promise<Failure>((resolve) => client.on("error", resolve));
    const [rows] = await client.query("select 6 * 7 as answer");
    const query = () => failureOf(client.query("select sleep(600)"));
    return { socket, answer: `${rows[0]?.["answer"]}`, query, idle: () => told };
  },
};

const databases: Readonly<Record<string, (certificates?: Certificates) => Database>> = {
  redis: () => redis,
  postgres,
  mariadb: () => mariadb,
};
const [kind = "", over] = (process.argv[2] as string).split("+");
const certificates = over === "tls" ? makeCertificates() : undefined;
const database = (databases[kind] as (typeof databases)[string])(certificates);
const input = createInterface(process.stdin)[Symbol.asyncIterator]();
const server = await database.start();

for (const mode of process.argv.slice(3)) {
  const { socket, answer, query, idle } = await database.connect(server.port);
  const died = once(socket, "error");
  const waiting = mode === "waiting" ? query() : undefined;
  // A query that waits has arrived when everything that was sent is acknowledged.
  while ((socket.connection?.info()?.unacknowledgedSegments ?? 0) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log(`ready ${answer}`);
  await input.next();
  const droppedAt = performance.now();
  const { code } = await (waiting ?? (mode === "pending" ? query() : idle()));
  const ms = performance.now() - droppedAt;
  const { reason } = (await died)[0];
  console.log(JSON.stringify({ code, reason, ms }));
  await input.next();
}
await server.stop();
certificates?.remove();
process.exit();
