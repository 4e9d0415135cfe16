// The page of `npm start` in Chromium. Not here: the cases (page-cases.ts).

import { describePageIn } from "./page-cases.ts";
import { chromium } from "./support.ts";

describePageIn(chromium);
