import { Dialog } from "../ui/dialog.tsx";
import { helpOpen, keysOn } from "./listening.ts";
import { type Binding, KEYMAP } from "./keymap.ts";

const GROUPS = ["Findings", "Image", "Page"] as const;
const NAMES: Record<string, string> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", PageUp: "PgUp", PageDown: "PgDn", Escape: "Esc" };

/** Every key, and the switch that turns the single-character ones off. */
export function HelpDialog() {
  if (!helpOpen.value) return null;
  return (
    <Dialog title="Keys" wide onClose={() => (helpOpen.value = false)}>
      <label class="check">
        <input
          type="checkbox"
          checked={keysOn.value === "on"}
          onChange={(event) => (keysOn.value = event.currentTarget.checked ? "on" : "off")}
        />
        Single keys act (never while you type)
      </label>
      <div class="keys">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {KEYMAP.filter((it) => it.group === group).map((it) => (
                <Row key={it.act} binding={it} />
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Row({ binding }: { binding: Binding }) {
  return (
    <div>
      <dt>
        {binding.keys.map((key, index) => (
          <span key={key}>
            {index > 0 && " or "}
            {key.split(/[ ]|\+(?=.)/).map((part) => (
              <kbd key={part}>{NAMES[part] ?? part}</kbd>
            ))}
          </span>
        ))}
      </dt>
      <dd>{binding.words}</dd>
    </div>
  );
}
