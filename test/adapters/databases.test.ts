// pg, ioredis and mysql2 over hawser, with the real servers.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectionDuplex, createSocket, toDuplex } from "../../lib/adapters/duplex.ts";
import { Connection } from "../../lib/index.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "./certificates.ts";
import {
  type DatabaseServer,
  hasMariadb,
  hasPostgres,
  hasRedis,
  installPeers,
  peer,
  redisClient,
  startMariadb,
  startPostgres,
  startRedis,
} from "./servers.ts";

const hasPeers = installPeers();
const keepAlive = { idle: 1_000, interval: 1_000, count: 2 };
const SETUP_LIMIT_MS = 60_000;

/** What a dead server is found with is on, and set to what was asked for. */
function expectKeepAlive(socket: ConnectionDuplex | undefined): void {
  const connection = socket?.connection;
  expect(connection?.getOption("SO_KEEPALIVE")).toBe(true);
  expect(connection?.getOption("TCP_KEEPINTVL")).toBe(1);
  expect(connection?.getOption("TCP_KEEPCNT")).toBe(2);
  if (process.platform === "linux") expect(connection?.getOption("TCP_KEEPIDLE")).toBe(1);
}

describe.skipIf(!hasPostgres || !hasPeers)(
  "pg (skipped without PostgreSQL and the package)",
  () => {
    interface Client {
      connect(): Promise<void>;
      query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
      end(): Promise<void>;
      on(event: "error", listener: (error: Error & { code?: string }) => void): void;
    }
    let server: DatabaseServer;
    let certificates: Certificates | undefined;
    beforeAll(async () => {
      certificates = hasOpenssl ? makeCertificates() : undefined;
      server = await startPostgres(certificates?.server);
    }, SETUP_LIMIT_MS);
    afterAll(async () => {
      await server?.stop();
      certificates?.remove();
    });

    function client(sockets: ConnectionDuplex[] = [], more: object = {}): Client {
      const { Client } = peer<{ Client: new (options: object) => Client }>("pg");
      return new Client({
        host: "127.0.0.1",
        port: server.port,
        user: "test",
        database: "postgres",
        keepAlive: true,
        stream: () => {
          const socket = createSocket({ keepAlive });
          sockets.push(socket);
          return socket;
        },
        ...more,
      });
    }

    it.skipIf(!hasOpenssl)("with ssl, verified (skipped without openssl)", async () => {
      const sockets: ConnectionDuplex[] = [];
      const ssl = { ca: certificates?.ca };
      const one = client(sockets, { host: "localhost", ssl });
      await one.connect();
      const { rows } = await one.query(
        "select version, repeat('x', 1000000) as x from pg_stat_ssl where pid = pg_backend_pid()",
      );
      expect(rows[0]?.["version"]).toBe("TLSv1.3");
      expect(String(rows[0]?.["x"]).length).toBe(1_000_000);
      expectKeepAlive(sockets[0]);
      await one.end();
      const strange = client([], { host: "localhost", ssl: {} });
      await expect(strange.connect()).rejects.toThrow(/certificate/);
    });

    it("queries, with large values both ways", async () => {
      const sockets: ConnectionDuplex[] = [];
      const one = client(sockets);
      await one.connect();
      expectKeepAlive(sockets[0]);
      const text = "ü".repeat(1_000_000);
      const { rows } = await one.query("select $1::text as back, 6 * 7 as answer", [text]);
      expect(rows[0]).toEqual({ back: text, answer: 42 });
      const many = await one.query(
        "select n, repeat('x', 1000) as x from generate_series(1, 5000) n",
      );
      expect(many.rows.length).toBe(5_000);
      await one.end();
      expect(sockets[0]?.destroyed).toBe(true);
    });

    it("50 clients at once", async () => {
      const clients = Array.from({ length: 50 }, () => client());
      const sums = await Promise.all(
        clients.map(async (one, index) => {
          await one.connect();
          const { rows } = await one.query("select $1::int + 1 as sum", [index]);
          await one.end();
          return rows[0]?.["sum"];
        }),
      );
      expect(sums).toEqual(clients.map((_, index) => index + 1));
    });

    it("a query that is cut off by the server's end is an error", async () => {
      const one = client();
      one.on("error", () => {});
      await one.connect();
      const other = client();
      await other.connect();
      const { rows } = await one.query("select pg_backend_pid() as pid");
      const sleeping = one.query("select pg_sleep(60)").catch((error) => error);
      await other.query("select pg_terminate_backend($1)", [rows[0]?.["pid"]]);
      expect(await sleeping).toBeInstanceOf(Error);
      await other.end();
    });
  },
);

describe.skipIf(!hasRedis || !hasPeers)("ioredis (skipped without Redis and the package)", () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startRedis();
  }, SETUP_LIMIT_MS);
  afterAll(() => server?.stop());

  const client = (sockets: ConnectionDuplex[] = [], { port } = server) =>
    redisClient(() => {
      const connection = new Connection(`tcp://127.0.0.1:${port}`, { keepAlive });
      const socket = toDuplex(connection.start());
      sockets.push(socket);
      return socket;
    });

  it("commands, pipelined, with binary values", async () => {
    const sockets: ConnectionDuplex[] = [];
    const redis = client(sockets);
    const value = Buffer.alloc(1_000_000, 0xf3);
    expect(await redis.set("key", value)).toBe("OK");
    expect((await redis.getBuffer("key"))?.equals(value)).toBe(true);
    const counts = await Promise.all(Array.from({ length: 1_000 }, () => redis.incr("counter")));
    expect(counts.at(-1)).toBe(1_000);
    expectKeepAlive(sockets[0]);
    await redis.quit();
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
  });

  it("a server that is killed ends the stream, and the client hears of it", async () => {
    const own = await startRedis();
    const redis = client([], own);
    redis.on("error", () => {});
    const ended = new Promise((resolve) => redis.on("end", () => resolve("end")));
    await redis.set("key", "value");
    await own.kill();
    expect(await ended).toBe("end");
    await own.stop();
  });
});

describe.skipIf(!hasMariadb || !hasPeers)(
  "mysql2 (skipped without MariaDB and the package)",
  () => {
    interface Client {
      query(text: string, values?: unknown[]): Promise<[Record<string, unknown>[]]>;
      execute(text: string, values?: unknown[]): Promise<[Record<string, unknown>[]]>;
      end(): Promise<void>;
    }
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await startMariadb();
    }, SETUP_LIMIT_MS);
    afterAll(() => server?.stop());

    it("queries and prepared statements", async () => {
      const { createConnection } = peer<{ createConnection(options: object): Promise<Client> }>(
        "mysql2/promise",
      );
      const sockets: ConnectionDuplex[] = [];
      const client = await createConnection({
        user: "root",
        stream: () => {
          const connection = new Connection(`tcp://127.0.0.1:${server.port}`, { keepAlive });
          const socket = toDuplex(connection.start());
          sockets.push(socket);
          return socket;
        },
      });
      const [rows] = await client.query("select 6 * 7 as answer, repeat('x', 1000000) as x");
      expect(rows[0]?.["answer"]).toBe(42);
      expect(String(rows[0]?.["x"]).length).toBe(1_000_000);
      const [prepared] = await client.execute("select ? as back", ["grün"]);
      expect(prepared[0]).toEqual({ back: "grün" });
      expectKeepAlive(sockets[0]);
      await client.end();
      await expect.poll(() => sockets[0]?.destroyed).toBe(true);
    });
  },
);
