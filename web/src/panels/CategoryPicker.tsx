/** Two layers: groups, and the categories in them. */

import type { JSX } from "react";

interface CategoryPickerProps {
  readonly categories: readonly { readonly name: string; readonly group?: string }[];
  readonly label: string;
  /** The object that is renamed; missing where it is about the next box. */
  readonly of: string | undefined;
  readonly choose: (label: string) => void;
}

export function CategoryPicker({ categories, label, of, choose }: CategoryPickerProps): JSX.Element {
  const groups = [...new Set(categories.map((one) => one.group ?? ""))];
  const known = categories.some((one) => one.name === label);
  return (
    <div className="category">
      <label>
        Category of {of ?? "the next box"}
        <select value={label} onChange={(event) => choose(event.target.value)}>
          {!known && <option>{label}</option>}
          {groups.map((group) => (
            <optgroup key={group} label={group || "categories"}>
              {categories.map(
                (one, index) =>
                  (one.group ?? "") === group && (
                    <option key={one.name} value={one.name}>
                      {one.name}
                      {index < 9 ? ` (${index + 1})` : ""}
                    </option>
                  ),
              )}
            </optgroup>
          ))}
        </select>
      </label>
      <small>
        {of
          ? `Digits: what ${of} is, and the next box. Escape first: the next box alone.`
          : "Digits: what the next box is."}
      </small>
    </div>
  );
}
