// The page is complete without this: it copies tables, closes hints, and unfolds everything for paper.
"use strict";
(() => {
  const status = document.getElementById("copied");

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Older browsers, and pages opened from some places, have no clipboard but this.
      const field = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      if (!done) throw new Error("no clipboard");
    }
  };

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    let timer;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await copy(source.value);
        button.textContent = "Copied ✓";
        status.textContent = `${label.replace("Copy", "Copied")}.`;
        button.focus({ preventScroll: true });
      } catch {
        source.closest("details").open = true;
        source.select();
        button.textContent = "Press Ctrl+C to copy";
        status.textContent = "The browser does not allow copying; the text is selected.";
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.textContent = label;
        status.textContent = "";
      }, 2500);
    });
  }

  addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.add("quiet");
  });
  for (const kind of ["focusin", "pointerover"]) {
    addEventListener(kind, (event) => {
      if (event.target.closest?.(".tip")) document.body.classList.remove("quiet");
    });
  }

  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });
})();
