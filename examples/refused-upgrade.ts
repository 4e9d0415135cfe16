import { connect, HawserError } from "hawser";

try {
  await connect(`ws://127.0.0.1:${process.env.PORT}/`);
} catch (error) {
  if (error instanceof HawserError)
    console.log(error.phase, error.response?.status, `${error.response?.body}`);
}
