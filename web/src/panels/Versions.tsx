/** All that there is of an object's mask, side by side on the same part of the photo. */

import type { JSX, ReactNode } from "react";
import { useMemo } from "react";

import type { Consensus, ObjectItem, PhotoDocument, ServerMask } from "../api/types";
import { asBox } from "../model/geometry";
import type { Mask } from "../model/mask";
import { decode } from "../model/rle";
import { isSettled } from "../model/standing";
import { AgreementMap } from "./AgreementMap";
import { MaskPicture } from "./MaskPicture";

export interface Version {
  readonly name: string;
  /** Missing for what stands, or would by the vote. */
  readonly of?: ServerMask;
  readonly amodal: Mask;
  readonly visible: Mask | undefined;
}

/** What stands (or the vote), then the mask of each annotator. */
export function versionsOf(consensus: Consensus): Version[] {
  const { amodal, inmodal, masks } = consensus;
  const first = isSettled(consensus) && consensus.choice !== "vote" ? "What stands" : "The vote";
  return [
    ...(amodal
      ? [{ name: first, amodal: decode(amodal), visible: inmodal ? decode(inmodal) : undefined }]
      : []),
    ...(masks ?? []).map((of, index) => ({
      name: of.author ?? `Mask ${index + 1}`,
      of,
      amodal: decode(of.amodal),
      visible: decode(of.inmodal),
    })),
  ];
}

interface VersionsProps {
  readonly photo: PhotoDocument["photo"];
  readonly item: ObjectItem;
  readonly versions: readonly Version[];
  /** What can be done with each. */
  readonly actions: (version: Version) => ReactNode;
}

export function Versions({ photo, item, versions, actions }: VersionsProps): JSX.Element {
  const part = useMemo(() => asBox(item.box), [item.box]);
  const drawn = useMemo(() => versions.filter((one) => one.of).map((one) => one.amodal), [versions]);
  const [first, ...rest] = versions;
  const picture = (version: Version): JSX.Element => (
    <figure key={version.of?.id ?? 0} aria-label={version.name}>
      <figcaption>{version.name}</figcaption>
      <MaskPicture photo={photo} mask={version.amodal} part={part} />
      {actions(version)}
    </figure>
  );
  return (
    <div className="choices">
      {first && picture(first)}
      {drawn.length > 1 && (
        <figure aria-label="Agreement map">
          <figcaption>Agreement</figcaption>
          <AgreementMap photo={photo} masks={drawn} part={part} />
        </figure>
      )}
      {rest.map(picture)}
    </div>
  );
}
