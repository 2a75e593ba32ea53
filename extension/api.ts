// What activation returns: the parts, for tests in a real VS Code.
import type { InlineProvider } from "./completion/inlineProvider";
import type { PromptSpeed } from "./completion/promptSpeed";
import type { Problems } from "./problems";
import type { Snooze } from "./snooze";
import type { StatusBar } from "./statusBar";
import type { Session } from "./worker/session";

export interface OctetApi {
  session: Session;
  inline: InlineProvider;
  snooze: Snooze;
  problems: Problems;
  statusBar: StatusBar;
  speed: PromptSpeed;
}
