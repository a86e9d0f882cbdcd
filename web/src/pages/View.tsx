/** What methods predicted, read-only: masks and order, truth beside prediction, likelihood maps. */

import { useMutation, useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useCallback, useMemo, useState } from "react";

import { wordsOf } from "../api/client";
import { photoUnder, questions } from "../api/questions";
import type { ObjectItem, PhotoDocument } from "../api/types";
import type { Shown } from "../canvas/paint";
import type { Gesture } from "../canvas/PhotoStage";
import { edgeOf } from "../desk/boxPlan";
import { useKeys } from "../desk/useKeys";
import { Canvas, useWorkbench, WorkFrame } from "../desk/workbench";
import { asBox, boxArea, boxHolds } from "../model/geometry";
import type { Mask } from "../model/mask";
import { numbering } from "../model/order";
import { colourOf } from "../model/palette";
import { decode } from "../model/rle";
import { keepMethod, MethodPicker } from "../panels/MethodPicker";
import { ObjectPanels } from "../panels/ObjectPanels";
import { go } from "../route";

type Side = "predicted" | "truth";

export function View({ photo }: { photo: number }): JSX.Element {
  const server = useQuery(questions.photo(photo));
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data) return <p className="wait">Loading …</p>;
  return <Looking server={server.data} />;
}

function Looking({ server }: { server: PhotoDocument }): JSX.Element {
  const { photo } = server;
  const bench = useWorkbench();
  const [side, setSide] = useState<Side>("predicted");
  const [beside, setBeside] = useState(false);
  const [layer, setLayer] = useState("");
  const [chosen, choose] = useState<number>();
  const objects = useMemo(() => worstFirst(server.objects), [server.objects]);
  const hasTruth = objects.some((one) => one.truth);
  const edges = useMemo(() => server.order.edges.map(edgeOf), [server.order.edges]);
  const placed = useMemo(
    () => server.objects.map((one) => ({ key: one.id, box: asBox(one.box) })),
    [server.objects],
  );
  const numbers = useMemo(() => numbering(placed, edges), [placed, edges]);
  const indexOf = useCallback(
    (id: number) => server.objects.findIndex((one) => one.id === id),
    [server.objects],
  );
  const colour = useCallback((id: number) => colourOf(indexOf(id)), [indexOf]);
  // The number is that of the results' file, as on the sheets that predict drew.
  const nameOf = useCallback(
    (id: number) => `${server.objects[indexOf(id)]?.label ?? "object"} ${id}`,
    [server.objects, indexOf],
  );
  const shown = useMemo(
    () => ({
      predicted: shownOf(objects, "predicted", nameOf, colour, numbers.numbers),
      truth: shownOf(objects, "truth", nameOf, colour, numbers.numbers),
    }),
    [objects, nameOf, colour, numbers],
  );
  const step = (by: number) => (): void => {
    const index = objects.findIndex((one) => one.id === chosen);
    const count = objects.length;
    if (count) choose(objects[index < 0 && by < 0 ? count - 1 : (index + by + count) % count]!.id);
  };
  useKeys("view", { ...bench.acts, "next-object": step(1), "previous-object": step(-1) });
  const pick = (gesture: Gesture): void => {
    if (gesture.kind !== "down") return;
    const inside = objects.filter((one) => boxHolds(asBox(one.box), gesture.at));
    choose(inside.toSorted((a, b) => boxArea(asBox(a.box)) - boxArea(asBox(b.box)))[0]?.id);
  };
  const tools = { cursor: "default", onGesture: pick, paintTool: nothing };
  // What predict drew is a sheet of its own, so it stands in the photo's place and not on it.
  const drawn = server.layers?.find((one) => one.name === layer)?.url;
  const change = useMutation({
    mutationFn: (method: string) => photoUnder(method, photo.id),
    onSuccess: (id, method) => {
      keepMethod(method);
      go(`/view/${id}`);
    },
  });
  const stage = (which: Side): JSX.Element => (
    <figure className="one-side">
      {hasTruth && <figcaption>{which === "truth" ? "Truth" : "Prediction"}</figcaption>}
      {which === "predicted" && drawn ? (
        <img src={drawn} alt={`${layer} of ${photo.name}`} />
      ) : (
        <Canvas
          bench={bench}
          photo={photo}
          name={`${photo.name}, ${which}`}
          shown={shown[which]}
          chosen={chosen}
          tools={tools}
        />
      )}
    </figure>
  );
  return (
    <WorkFrame
      title={photo.name}
      where="view"
      bench={bench}
      tools={null}
      stage={
        <div className="sides">
          {(beside || side === "predicted") && stage("predicted")}
          {hasTruth && (beside || side === "truth") && stage("truth")}
        </div>
      }
      side={
        <>
          <MethodPicker
            method={server.method}
            methods={server.methods}
            choose={(name) => change.mutate(name)}
          />
          {change.error && (
            <p role="alert" className="problem">
              {wordsOf(change.error)}
            </p>
          )}
          {hasTruth && (
            <fieldset>
              <legend>Masks shown</legend>
              {(["predicted", "truth"] as const).map((name) => (
                <label key={name}>
                  <input
                    type="radio"
                    name="side"
                    checked={!beside && side === name}
                    onChange={() => {
                      setSide(name);
                      setBeside(false);
                    }}
                  />
                  {name === "truth" ? "Truth" : "Prediction"}
                </label>
              ))}
              <label>
                <input type="radio" name="side" checked={beside} onChange={() => setBeside(true)} />
                Both side by side
              </label>
            </fieldset>
          )}
          {(server.layers?.length ?? 0) > 0 && (
            <label>
              Picture
              <select
                value={layer}
                onChange={(event) => {
                  setLayer(event.target.value);
                  setSide("predicted");
                }}
              >
                <option value="">the photo</option>
                {server.layers!.map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.name.replaceAll("_", " ")}
                  </option>
                ))}
              </select>
            </label>
          )}
          <ObjectPanels
            objects={placed}
            listed={objects.map((one) => one.id)}
            edges={edges}
            numbering={numbers}
            chosen={chosen}
            choose={choose}
            nameOf={nameOf}
            colourOf={colour}
            detailOf={(id) => detailOf(objects.find((one) => one.id === id)!)}
            look={bench.look}
            setLook={bench.setLook}
          />
        </>
      }
    />
  );
}

function nothing(): void {
  // no tool in hand
}

function worstFirst(objects: readonly ObjectItem[]): ObjectItem[] {
  return objects.toSorted((a, b) => (a.truth?.iou ?? 2) - (b.truth?.iou ?? 2));
}

function shownOf(
  objects: readonly ObjectItem[],
  side: Side,
  nameOf: (id: number) => string,
  colour: (id: number) => Shown["colour"],
  numbers: ReadonlyMap<number, number>,
): Shown[] {
  const far = objects.toSorted((a, b) => (numbers.get(b.id) ?? 0) - (numbers.get(a.id) ?? 0));
  return far.map((one) => {
    const masks = side === "truth" ? one.truth : (one.mask ?? one.consensus);
    const read = (rle: { size: number[]; counts: string } | null | undefined): Mask | undefined =>
      rle ? decode(rle) : undefined;
    return {
      key: one.id,
      colour: colour(one.id),
      text: nameOf(one.id),
      box: asBox(one.box),
      amodal: read(masks?.amodal),
      visible: read(masks?.inmodal),
    };
  });
}

function detailOf(one: ObjectItem): string {
  const parts = [one.level, one.truth && `IoU ${one.truth.iou.toFixed(2)}`, one.score != null && `score ${one.score.toFixed(2)}`]; // prettier-ignore
  return parts.filter(Boolean).join(", ");
}
