import { connect } from "hawser";
import { toWeb } from "hawser/streams";

const { readable, writable } = toWeb(await connect(`tcp://127.0.0.1:${process.env.PORT}`));
const writer = writable.getWriter();
await writer.write("to and fro");
await writer.close();
for await (const chunk of readable) console.log(new TextDecoder().decode(chunk));
