/** Where the page itself fails: says what happened and how to go on, in place of an empty window. */

import type { JSX, ReactNode } from "react";
import { Component } from "react";

interface Props {
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | undefined;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    return this.state.error ? <Failed error={this.state.error} /> : this.props.children;
  }
}

function Failed({ error }: { error: Error }): JSX.Element {
  const photos = (): void => {
    window.location.hash = "#/photos";
    window.location.reload();
  };
  return (
    <main className="narrow">
      <h1>This page has failed</h1>
      <p role="alert" className="problem">
        {error.message}
      </p>
      <p>
        That is a mistake in the program, not in what you drew. What was saved is on the server, and what was
        not is kept in this browser and comes back with the photo.
      </p>
      <button type="button" className="main" onClick={() => window.location.reload()}>
        Load the page again
      </button>{" "}
      <button type="button" onClick={photos}>
        Back to the photos
      </button>
    </main>
  );
}
