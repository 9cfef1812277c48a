/** Dark by default, as reading rooms are; light on request. */

import { effect } from "@preact/signals";
import { preference } from "./preferences.ts";

export const theme = preference("theme", ["dark", "light"]);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
