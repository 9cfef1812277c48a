import { useEffect, useRef, useState } from "preact/hooks";

/** A report's own page in a frame that can run nothing. Its style is taken over as an object: no inline style is needed. */
export function Paper({ html, title }: { html: string; title: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [{ page, style }] = useState(() => taken(html));
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const dress = () => {
      const inside = element.contentDocument;
      const Sheet = (element.contentWindow as (Window & { CSSStyleSheet: typeof CSSStyleSheet }) | null)?.CSSStyleSheet;
      if (!inside || !Sheet) return;
      const sheet = new Sheet();
      sheet.replaceSync(style);
      inside.adoptedStyleSheets = [sheet];
    };
    element.addEventListener("load", dress);
    element.srcdoc = page;
    return () => element.removeEventListener("load", dress);
  }, [page, style]);
  return <iframe ref={frame} class="paper" title={title} sandbox="allow-same-origin" tabIndex={0} />;
}

/** Cut as text: a parser would meet the page's policy on inline styles before it could hand the style over. */
function taken(html: string): { page: string; style: string } {
  const styles: string[] = [];
  const page = html.replaceAll(/<style[^>]*>([\s\S]*?)<\/style>/gi, (_, style: string) => {
    styles.push(style);
    return "";
  });
  return { page, style: styles.join("\n") };
}
