// Fetches this page again every ten seconds and puts what is new in the place of the old. Without it the page stands still.
"use strict";
(() => {
  const fresh = document.getElementById("fresh");
  if (!fresh) return; // a page that says one thing
  const PERIOD_MS = 10000;
  const lost = document.getElementById("lost");
  const said = document.getElementById("said");
  const pause = document.getElementById("pause");
  const words = (node) => (node ? node.textContent.trim() : "");
  let paused = false;
  let good = new Date();

  const clock = (time) => time.toISOString().slice(11, 19) + " UTC";

  function alarm(why) {
    // A page that has stopped must not look alive.
    lost.textContent = `! This page stands still since ${clock(good)}: ${why}. What stands here is old.`;
    lost.hidden = false;
    document.body.classList.add("old");
  }

  function put(page) {
    const main = document.getElementById("main");
    const next = page.getElementById("main");
    const known = words(document.getElementById("headline"));
    const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : "";
    for (const details of main.querySelectorAll("details[id]")) {
      const same = page.getElementById(details.id);
      if (same) same.open = details.open;
    }
    for (const scrolled of main.querySelectorAll(".scroll")) {
      const same = next.querySelector(`.scroll[aria-label="${CSS.escape(scrolled.getAttribute("aria-label"))}"]`);
      if (same) same.dataset.left = scrolled.scrollLeft;
    }
    main.replaceChildren(...next.childNodes);
    for (const moved of main.querySelectorAll(".scroll[data-left]")) moved.scrollLeft = moved.dataset.left;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    fresh.textContent = words(page.getElementById("fresh"));
    document.title = page.title;
    const headline = words(document.getElementById("headline"));
    if (headline !== known) said.textContent = headline; // told to whoever does not see it, and only when it changes
  }

  async function refresh() {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PERIOD_MS) });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) return alarm(`the worker answers ${answer.status}`);
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      good = new Date();
      lost.hidden = true;
      document.body.classList.remove("old");
    } catch {
      alarm("the worker does not answer");
    }
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) alarm("refreshing is paused");
    else refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, PERIOD_MS);
})();
