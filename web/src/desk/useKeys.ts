/** Keys to actions, wherever nobody is typing text. */

import { useEffect, useRef } from "react";

import type { ActionOf, PageName } from "../model/keys";
import { actionOf } from "../model/keys";

/** What the page does for each of its actions; undefined where there is nothing to do just now. */
export type Acts<Page extends PageName> = {
  readonly [Id in ActionOf<Page>]: ((key: string) => void) | undefined;
};

export function useKeys<Page extends PageName>(where: Page, acts: Acts<Page>): void {
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (target.closest("input:not([type=range],[type=checkbox],[type=radio]), select, textarea, dialog"))
        return;
      const id = actionOf(event, where);
      const act = id && latest.current[id as ActionOf<Page>];
      if (!act) return;
      // Enter and Tab keep their meaning on controls that were reached by the keyboard.
      const control = target.closest("button, a, summary, [role=option], input");
      if (control && ["Enter", "Tab", "Shift+Tab"].includes(event.key)) return;
      event.preventDefault();
      act(event.key);
    };
    // A button that was clicked would keep the focus, and with it Enter and the space bar.
    const clicked = (event: MouseEvent): void => {
      const button = (event.target as HTMLElement).closest("button");
      if (event.detail > 0 && button === document.activeElement) button?.blur();
    };
    window.addEventListener("keydown", press);
    window.addEventListener("click", clicked);
    return () => {
      window.removeEventListener("keydown", press);
      window.removeEventListener("click", clicked);
    };
  }, [where]);
}
