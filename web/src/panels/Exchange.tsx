/** Photos and files in, files out. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { api, refusalOf, sendForm, wordsOf } from "../api/client";
import type { components } from "../api/schema";
import { counted } from "../model/words";

type ImportAnswer = components["schemas"]["Import"];
type ExportFormat = components["schemas"]["Export"]["format"];

const FORMATS: Readonly<Record<ExportFormat, string>> = {
  "kins-2020": "KINS (2020 layout)",
  "kins-2019": "KINS (2019 layout)",
  coco: "COCO",
  cocoa: "COCOA",
  cvat: "CVAT XML",
  ids: "id pictures",
  amodal: "amodal scenes",
  project: "the project itself",
};

export function Exchange(): JSX.Element {
  return (
    <section className="exchange" aria-label="In and out">
      <PhotosIn />
      <FileIn />
      <FileOut />
    </section>
  );
}

function PhotosIn(): JSX.Element {
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: (form: FormData) => sendForm<components["schemas"]["Uploaded"]>("/api/photos", form),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send.mutate(new FormData(event.currentTarget));
      }}
    >
      <h2>Take photos in</h2>
      <label>
        Photos
        <input
          type="file"
          name="files"
          accept="image/jpeg,image/png,image/webp,image/bmp,image/tiff,.tif,.tiff"
          multiple
          required
        />
      </label>
      <button type="submit" disabled={send.isPending}>
        Upload
      </button>
      <Outcome error={send.error} words={send.data && `${send.data.photos.length} taken in.`} />
      {(send.data?.refused.length ?? 0) > 0 && (
        <ul role="alert" className="problem" aria-label="Photos that were refused">
          {send.data?.refused.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
    </form>
  );
}

function FileIn(): JSX.Element {
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: (form: FormData) => sendForm<ImportAnswer>("/api/imports", form),
    onSuccess: () => client.invalidateQueries(),
  });
  const got = send.data;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send.mutate(new FormData(event.currentTarget));
      }}
    >
      <h2>Import annotations</h2>
      <label>
        File (COCO, KINS, COCOA, CVAT, labelme or a project)
        <input type="file" name="file" required />
      </label>
      <button type="submit" disabled={send.isPending}>
        Import
      </button>
      <Outcome
        error={send.error}
        words={
          got &&
          `Read as ${got.format}: ${got.photos} photos, ${got.objects} objects (${got.settled} settled), ${got.masks} masks, ${got.edges} pairs in order. ${got.left_out.join(" ")}`
        }
      />
    </form>
  );
}

function FileOut(): JSX.Element {
  const [format, setFormat] = useState<ExportFormat>("kins-2020");
  const fetchFile = useMutation({
    mutationFn: async () => {
      const { response, data, error } = await api.POST("/api/exports", { body: { format }, parseAs: "blob" });
      if (!response.ok) throw refusalOf(response.status, error);
      const named = /filename="?([^";]+)/.exec(response.headers.get("content-disposition") ?? "");
      save(data as unknown as Blob, named?.[1] ?? `export-${format}`);
      return wordsOfExport(response.headers.get("x-left-out"));
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        fetchFile.mutate();
      }}
    >
      <h2>Export</h2>
      <label>
        Format
        <select value={format} onChange={(event) => setFormat(event.target.value as ExportFormat)}>
          {Object.entries(FORMATS).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" disabled={fetchFile.isPending}>
        Download
      </button>
      <Outcome error={fetchFile.error} words={fetchFile.data} />
    </form>
  );
}

function wordsOfExport(leftOut: string | null): string {
  const [photos = 0, objects = 0] = (leftOut ?? "").split(" ").map(Number);
  if (photos + objects === 0) return "Written.";
  const what = [photos && counted(photos, "photo"), objects && counted(objects, "object")].filter(Boolean);
  return `Written, without ${what.join(" and ")} not done yet; losses.json in it says which.`;
}

function Outcome({ error, words }: { error: unknown; words: string | undefined }): JSX.Element {
  return (
    <>
      <p role="status">{words}</p>
      {error !== null && (
        <p role="alert" className="problem">
          {wordsOf(error)}
        </p>
      )}
    </>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
