/** All keys of the page at hand. */

import type { JSX } from "react";

import type { PageName } from "../model/keys";
import { actionsFor, hint } from "../model/keys";
import { Dialog } from "./Dialog";

export function KeySheet({ where, onClose }: { where: PageName; onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" onClose={onClose} closeKey={hint("sheet", where)}>
      <dl className="keys">
        {actionsFor(where).map((one) => (
          <div key={one.id}>
            <dt>
              {one.keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{one.does}</dd>
          </div>
        ))}
      </dl>
      <p>
        With the mouse: wheel zooms, Shift and wheel moves sideways, the right button or the space bar held
        moves the photo. On a tablet two fingers do both.
      </p>
    </Dialog>
  );
}
