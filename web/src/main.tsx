import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { questions } from "./api/questions";
import { App } from "./App";
import { Refusal } from "./model/autosave";
import { ErrorBoundary } from "./panels/ErrorBoundary";
import "./styles/page.css";
import "./styles/dialogs.css";
import "./styles/desk.css";
import { applyTheme } from "./theme";

applyTheme();

const client = new QueryClient({
  // A session that has ended is noticed by whatever is asked next; the page then asks for name and password.
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof Refusal && error.status === 401) {
        void client.invalidateQueries({ queryKey: questions.session.queryKey });
      }
    },
  }),
  defaultOptions: {
    // A refusal will not change by asking again; a network may.
    queries: { retry: (count, error) => !(error instanceof Refusal) && count < 2, staleTime: 5000 },
  },
});

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <ErrorBoundary>
        <App />
      </ErrorBoundary>
    </QueryClientProvider>
  </StrictMode>,
);
