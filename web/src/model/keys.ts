/**
 * Every action with its key. The sheet behind `?` and the buttons' hints are made from this, and the compiler asks each
 * page for all of its actions and no others (`useKeys`).
 */

export interface Action {
  readonly id: string;
  readonly keys: readonly string[];
  readonly does: string;
}

/** On every page with a photo: the keys, and what they do. */
const LOOKING = {
  sheet: ["?", "show or hide this sheet"],
  "next-object": ["Tab", "choose the next object"],
  "previous-object": ["Shift+Tab", "choose the object before"],
  "photo-list": ["PageUp", "back to the photos"],
  fit: ["0", "show the whole photo"],
  "zoom-in": ["+ =", "zoom in"],
  "zoom-out": ["-", "zoom out"],
  "pan-left": ["ArrowLeft", "move the view left"],
  "pan-right": ["ArrowRight", "move the view right"],
  "pan-up": ["ArrowUp", "move the view up"],
  "pan-down": ["ArrowDown", "move the view down"],
  isolate: ["i", "show the chosen object alone, or all again"],
  fainter: ["[", "masks fainter"],
  stronger: ["]", "masks stronger"],
  hidden: ["h", "show or hide the hidden parts"],
  masks: ["m", "show or hide the masks"],
} as const;

/** Where something is drawn. */
const DRAWING = {
  undo: ["Ctrl+z", "undo"],
  redo: ["Ctrl+y Ctrl+Shift+z", "redo"],
  save: ["Ctrl+s", "save now"],
  "next-photo": ["PageDown", "next task"],
  select: ["v", "choose and move"],
  propose: ["p", "ask the model"],
  accept: ["a", "take what the model proposes"],
  refuse: ["r", "refuse what the model proposes"],
} as const;

/** Pass 1. */
const BOXES = {
  cancel: ["Escape", "leave what was begun; with nothing begun choose no object"],
  box: ["b", "draw a box"],
  order: ["o", "say who is in front: click the front one, then the one behind"],
  label: [
    "1 2 3 4 5 6 7 8 9",
    "the chosen object, and the next box, is of this category; with none chosen the next box alone",
  ],
  done: ["Enter", "boxes and order of this photo are done, on to the next; or not done after all"],
  delete: ["Delete Backspace", "remove the chosen object"],
  nearer: ["Alt+ArrowUp", "chosen object one place nearer"],
  farther: ["Alt+ArrowDown", "chosen object one place farther"],
  "nudge-left": ["Shift+ArrowLeft", "move the box one pixel left"],
  "nudge-right": ["Shift+ArrowRight", "move the box one pixel right"],
  "nudge-up": ["Shift+ArrowUp", "move the box one pixel up"],
  "nudge-down": ["Shift+ArrowDown", "move the box one pixel down"],
} as const;

/** Pass 2. */
const MASKS = {
  cancel: ["Escape", "leave what was begun"],
  polygon: ["g", "draw an outline: click corners, Enter closes it"],
  corners: ["e", "pull, add (click a side) and remove (Alt-click) corners"],
  brush: ["b", "paint the whole object"],
  eraser: ["x", "take away from the whole object"],
  "visible-brush": ["w", "paint what is visible"],
  "visible-eraser": ["q", "take away from what is visible"],
  "follow-order": ["o", "visible part from the order again"],
  smaller: [",", "smaller brush"],
  larger: [".", "larger brush"],
  close: ["Enter", "close the outline; with none open: the object is done"],
  "last-corner": ["Backspace", "take back the last corner of the open outline"],
  clear: ["Delete", "empty the mask"],
  finish: ["f", "finish a proposal: what it shows as visible stays, paint what is hidden"],
  snap: ["s", "move the outline onto edges of the photo"],
} as const;

/** A page's own keys come last. */
const PAGES = {
  view: { ...LOOKING },
  boxes: { ...LOOKING, ...DRAWING, ...BOXES },
  masks: { ...LOOKING, ...DRAWING, ...MASKS },
} as const;

export type PageName = keyof typeof PAGES;
export type ActionOf<Page extends PageName> = keyof (typeof PAGES)[Page];

export function actionsFor(page: PageName): Action[] {
  return Object.entries(PAGES[page]).map(([id, [keys, does]]) => ({ id, keys: keys.split(" "), does }));
}

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

export function actionOf(pressed: Pressed, page: PageName): string | undefined {
  const name = nameOf(pressed);
  return actionsFor(page).find((one) => one.keys.includes(name))?.id;
}

/** The key that a button shows. */
export function hint(id: string, page: PageName): string {
  return actionsFor(page).find((one) => one.id === id)?.keys[0] ?? "";
}
