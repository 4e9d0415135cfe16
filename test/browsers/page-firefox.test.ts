// The page of `npm start` in Firefox. Not here: the cases (page-cases.ts).

import { describePageIn } from "./page-cases.ts";
import { firefox } from "./support.ts";

describePageIn(firefox);
