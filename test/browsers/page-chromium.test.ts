// The page of `npm start` in Chromium. Not here: the cases (page-cases.ts, names-cases.ts).

import { describeNames } from "./names-cases.ts";
import { describePageIn } from "./page-cases.ts";
import { chromium } from "./support.ts";

// Whose driver can ask for the tree of names.
describePageIn(chromium, describeNames);
