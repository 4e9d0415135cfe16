import { connect, HawserError } from "hawser";

try {
  await connect(`tcp://127.0.0.1:${process.env.PORT}`);
} catch (error) {
  if (error instanceof HawserError) console.log(error.phase, error.code, error.address);
}
