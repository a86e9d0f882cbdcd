/**
 * Undo and redo without limit. A command keeps the documents before and after it. Documents are never changed in
 * place and share all that stayed the same, so a long history costs little more than the strokes in it.
 */

export interface Command<Document> {
  readonly label: string;
  readonly before: Document;
  readonly after: Document;
}

export interface History<Document> {
  readonly present: Document;
  readonly done: readonly Command<Document>[];
  readonly undone: readonly Command<Document>[];
}

export function begin<Document>(present: Document): History<Document> {
  return { present, done: [], undone: [] };
}

export function perform<Document>(
  history: History<Document>,
  label: string,
  after: Document,
): History<Document> {
  if (after === history.present) return history;
  const command = { label, before: history.present, after };
  return { present: after, done: [...history.done, command], undone: [] };
}

export function undo<Document>(history: History<Document>): History<Document> {
  const command = history.done.at(-1);
  if (!command) return history;
  return {
    present: command.before,
    done: history.done.slice(0, -1),
    undone: [...history.undone, command],
  };
}

export function redo<Document>(history: History<Document>): History<Document> {
  const command = history.undone.at(-1);
  if (!command) return history;
  return { present: command.after, done: [...history.done, command], undone: history.undone.slice(0, -1) };
}
