/** Who is here, and which page they asked for. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { lazy, Suspense } from "react";

import { ownerOf, wordsOf } from "./api/client";
import { questions } from "./api/questions";
import type { SessionInfo } from "./api/types";
import { LogIn } from "./pages/LogIn";
import { Photos } from "./pages/Photos";
import { Account } from "./panels/Account";
import { useRoute } from "./route";
import { turnTheme } from "./theme";

// The list of photos is the first screen; the canvas and what works on it come when they are wanted.
const Boxes = lazy(() => import("./pages/Boxes").then((page) => ({ default: page.Boxes })));
const Masks = lazy(() => import("./pages/Masks").then((page) => ({ default: page.Masks })));
const Settle = lazy(() => import("./pages/Settle").then((page) => ({ default: page.Settle })));
const View = lazy(() => import("./pages/View").then((page) => ({ default: page.View })));
const Manager = lazy(() => import("./pages/Manager").then((page) => ({ default: page.Manager })));

export function App(): JSX.Element {
  const session = useQuery(questions.session);
  const route = useRoute();
  if (session.isPending) return <p className="wait">Loading …</p>;
  if (session.isError)
    return <Problem words={wordsOf(session.error)} onRetry={() => void session.refetch()} />;
  const person = session.data.person;
  if (session.data.mode !== "view" && (!person || route.page === "login")) return <LogIn />;
  return (
    <>
      <Top session={session.data} page={route.page} />
      <Suspense fallback={<p className="wait">Loading …</p>}>
        <Page session={session.data} page={route.page} ids={route.ids} />
      </Suspense>
    </>
  );
}

type Role = NonNullable<SessionInfo["person"]>["role"];

/** Who a page is for; the server refuses the others anyway, but they should be told before they draw. */
const ROLES_OF: Readonly<Record<string, readonly Role[]>> = {
  boxes: ["expert"],
  masks: ["annotator", "expert"],
  settle: ["expert", "manager"],
  manager: ["manager"],
};

interface PageProps {
  readonly session: SessionInfo;
  readonly page: string;
  readonly ids: readonly number[];
}

function Page({ session, page, ids }: PageProps): JSX.Element {
  const [photo, object] = ids;
  const owner = ownerOf(session);
  const mayBe = (role: Role): boolean => session.person?.roles.includes(role) ?? false;
  const roles = ROLES_OF[page];
  if (roles && !roles.some(mayBe)) return <NotYours session={session} roles={roles} />;
  if (photo !== undefined) {
    if (page === "boxes") return <Boxes key={`${owner}/${photo}`} photo={photo} owner={owner} />;
    if (page === "masks")
      return (
        <Masks
          key={`${owner}/${photo}`}
          photo={photo}
          owner={owner}
          object={object}
          roles={session.person?.roles ?? []}
        />
      );
    if (page === "settle" && object)
      return (
        <Settle
          key={`${owner}/${object}`}
          photo={photo}
          owner={owner}
          object={object}
          mayDecide={mayBe("expert")}
        />
      );
    if (page === "view") return <View key={photo} photo={photo} />;
  }
  if (page === "manager") return <Manager />;
  return <Photos session={session} />;
}

function NotYours({ session, roles }: { session: SessionInfo; roles: readonly Role[] }): JSX.Element {
  const who = session.person ? `${session.person.name} is ${session.person.role}` : "nobody is logged in";
  return (
    <main className="narrow">
      <h1>Not your page</h1>
      <p role="alert">
        This page is for the role {roles.join(" or ")}; {who}.
      </p>
      <a href="#/photos">Back to the photos</a>
    </main>
  );
}

function Top({ session, page }: { session: SessionInfo; page: string }): JSX.Element {
  const person = session.person;
  return (
    <header className="top">
      <strong>amodal</strong>
      <nav aria-label="Pages">
        <a href="#/photos" aria-current={page === "photos" ? "page" : undefined}>
          Photos
        </a>
        {person?.roles.includes("manager") && (
          <a href="#/manager" aria-current={page === "manager" ? "page" : undefined}>
            Manager
          </a>
        )}
      </nav>
      <span className="space" />
      {session.mode === "team" && person && <Account person={person} />}
      <button type="button" onClick={turnTheme} aria-label="Light or dark">
        ◐
      </button>
    </header>
  );
}

function Problem({ words, onRetry }: { words: string; onRetry: () => void }): JSX.Element {
  return (
    <main className="narrow">
      <h1>amodal</h1>
      <p role="alert" className="problem">
        {words}
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </main>
  );
}
