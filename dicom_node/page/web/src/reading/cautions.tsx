import type { Report } from "../api/types.ts";
import { Icon } from "../ui/icon.tsx";

/** In plain sight, above everything: warnings, and what was not looked for. */
export function Cautions({ report }: { report: Report }) {
  return (
    <div class="cautions">
      {report.warnings.length > 0 && (
        <section class="warnings" aria-label="Warnings">
          {report.warnings.map((it) => (
            <p key={it.code + it.words}>
              <Icon name="warning" />
              <span>{it.words}</span>
            </p>
          ))}
        </section>
      )}
      {report.not_assessed.length > 0 && (
        <section class="not-assessed" aria-label="Not assessed">
          <h2>Not assessed</h2>
          <p>{report.not_assessed.map((it) => it.display).join(", ")}, and everything else that no line below names.</p>
        </section>
      )}
    </div>
  );
}
