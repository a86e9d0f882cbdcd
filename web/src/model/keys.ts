/** Every action with its key. The sheet behind `?` and the buttons' hints are made from this. */

export interface Action {
  readonly id: string;
  readonly keys: readonly string[];
  readonly does: string;
  readonly where: "everywhere" | "boxes" | "masks";
}

const action = (where: Action["where"], id: string, keys: string, does: string): Action => ({
  id,
  keys: keys.split(" "),
  does,
  where,
});

export const ACTIONS: readonly Action[] = [
  action("everywhere", "sheet", "?", "show or hide this sheet"),
  action("everywhere", "undo", "Ctrl+z", "undo"),
  action("everywhere", "redo", "Ctrl+y Ctrl+Shift+z", "redo"),
  action("everywhere", "save", "Ctrl+s", "save now"),
  action("everywhere", "next-object", "Tab", "choose the next object"),
  action("everywhere", "previous-object", "Shift+Tab", "choose the object before"),
  action("everywhere", "next-photo", "PageDown", "next task"),
  action("everywhere", "previous-photo", "PageUp", "back to the photos"),
  action("everywhere", "fit", "0", "show the whole photo"),
  action("everywhere", "zoom-in", "+ =", "zoom in"),
  action("everywhere", "zoom-out", "-", "zoom out"),
  action("everywhere", "pan-left", "ArrowLeft", "move the view left"),
  action("everywhere", "pan-right", "ArrowRight", "move the view right"),
  action("everywhere", "pan-up", "ArrowUp", "move the view up"),
  action("everywhere", "pan-down", "ArrowDown", "move the view down"),
  action("everywhere", "isolate", "i", "show the chosen object alone, or all again"),
  action("everywhere", "fainter", "[", "masks fainter"),
  action("everywhere", "stronger", "]", "masks stronger"),
  action("everywhere", "hidden", "h", "show or hide the hidden parts"),
  action("everywhere", "masks", "m", "show or hide the masks"),
  action("everywhere", "select", "v", "choose and move"),
  action("everywhere", "cancel", "Escape", "leave what was begun"),
  action("everywhere", "propose", "p", "ask the model"),
  action("everywhere", "accept", "a", "take what the model proposes"),
  action("everywhere", "refuse", "r", "refuse what the model proposes"),
  action("boxes", "box", "b", "draw a box"),
  action("boxes", "order", "o", "say who is in front: click the front one, then the one behind"),
  action("boxes", "label", "1 2 3 4 5 6 7 8 9", "the chosen object, or the next box, is of this category"),
  action("boxes", "delete", "Delete Backspace", "remove the chosen object"),
  action("boxes", "nearer", "Alt+ArrowUp", "chosen object one place nearer"),
  action("boxes", "farther", "Alt+ArrowDown", "chosen object one place farther"),
  action("boxes", "nudge-left", "Shift+ArrowLeft", "move the box one pixel left"),
  action("boxes", "nudge-right", "Shift+ArrowRight", "move the box one pixel right"),
  action("boxes", "nudge-up", "Shift+ArrowUp", "move the box one pixel up"),
  action("boxes", "nudge-down", "Shift+ArrowDown", "move the box one pixel down"),
  action("masks", "polygon", "g", "draw an outline: click corners, Enter closes it"),
  action("masks", "corners", "e", "pull, add (click a side) and remove (Alt-click) corners"),
  action("masks", "brush", "b", "paint the whole object"),
  action("masks", "eraser", "x", "take away from the whole object"),
  action("masks", "visible-brush", "w", "paint what is visible"),
  action("masks", "visible-eraser", "q", "take away from what is visible"),
  action("masks", "follow-order", "o", "visible part from the order again"),
  action("masks", "smaller", ",", "smaller brush"),
  action("masks", "larger", ".", "larger brush"),
  action("masks", "close", "Enter", "close the outline; with none open: the object is done"),
  action("masks", "last-corner", "Backspace", "take back the last corner of the open outline"),
  action("masks", "clear", "Delete", "empty the mask"),
  action("masks", "snap", "s", "move the outline onto edges of the photo"),
];

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** How a pressed key is written above. Shift counts where it does not already make another sign of the key. */
export function nameOf(pressed: Pressed): string {
  const letter = pressed.key.length === 1;
  const control = pressed.ctrlKey || pressed.metaKey;
  const key = letter ? pressed.key.toLowerCase() : pressed.key;
  const shift = pressed.shiftKey && (!letter || control);
  return `${control ? "Ctrl+" : ""}${pressed.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

export function actionOf(pressed: Pressed, where: Action["where"]): string | undefined {
  const name = nameOf(pressed);
  const fits = ACTIONS.filter((one) => one.keys.includes(name));
  return (fits.find((one) => one.where === where) ?? fits.find((one) => one.where === "everywhere"))?.id;
}

export function actionsFor(where: Action["where"]): Action[] {
  return ACTIONS.filter((one) => one.where === where || one.where === "everywhere");
}

export function hint(id: string, where: Action["where"]): string {
  const found = actionsFor(where).find((one) => one.id === id);
  return found ? found.keys[0]! : "";
}
