// Figures that can no longer be refreshed must not look fresh.
"use strict";

(function () {
  const banner = document.getElementById("stale");

  function show(stale) {
    banner.hidden = !stale;
    document.body.classList.toggle("is-stale", stale);
  }

  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(name, () => show(true));
  }
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) show(false);
  });
})();
