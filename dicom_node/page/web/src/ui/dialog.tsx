import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

interface Props {
  title: string;
  /** Without it the dialog stays until its question is answered. */
  onClose?: () => void;
  children: ComponentChildren;
  foot?: ComponentChildren;
  wide?: boolean;
}

/** A modal dialog: the browser keeps the focus inside and gives it back. A click outside does not close it. */
export function Dialog({ title, onClose, children, foot, wide = false }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "wide" : ""}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <div class="head">
        <h2 id={heading} tabIndex={-1} autofocus>
          {title}
        </h2>
        {onClose && (
          <button type="button" class="plain square" aria-label="Close" onClick={onClose}>
            <Icon name="cross" />
          </button>
        )}
      </div>
      <div class="body">{children}</div>
      {foot && <div class="foot">{foot}</div>}
    </dialog>
  );
}
