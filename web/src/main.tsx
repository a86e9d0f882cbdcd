import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { Refusal } from "./model/autosave";
import "./styles/page.css";
import "./styles/desk.css";
import { applyTheme } from "./theme";

applyTheme();

const client = new QueryClient({
  defaultOptions: {
    // A refusal will not change by asking again; a network may.
    queries: { retry: (count, error) => !(error instanceof Refusal) && count < 2, staleTime: 5000 },
  },
});

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
