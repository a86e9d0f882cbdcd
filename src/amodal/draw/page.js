"use strict";

// One picture of a photo at a time, chosen by buttons. Without scripts all of them are shown.
for (const photo of document.querySelectorAll(".photo")) {
  const figures = [...photo.querySelectorAll("figure")];
  const tabs = photo.querySelector(".tabs");
  if (!tabs || figures.length < 2) continue;
  const show = (part) => {
    for (const figure of figures) figure.hidden = figure.dataset.part !== part;
    for (const button of tabs.children) button.setAttribute("aria-pressed", String(button.dataset.part === part));
  };
  for (const figure of figures) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.part = figure.dataset.part;
    button.textContent = figure.dataset.title;
    button.addEventListener("click", () => show(figure.dataset.part));
    tabs.append(button);
  }
  show(figures[0].dataset.part);
}

// Rows that fit both filters stay; a photo stays while one of its rows does, or while nothing is filtered.
const label = document.getElementById("label");
const level = document.getElementById("level");
const shown = document.getElementById("shown");
function filter() {
  let objects = 0;
  let photos = 0;
  const everything = label.value === "" && level.value === "";
  for (const photo of document.querySelectorAll(".photo")) {
    let kept = 0;
    for (const row of photo.querySelectorAll("tbody tr")) {
      const fits = (label.value === "" || row.dataset.label === label.value)
        && (level.value === "" || row.dataset.level === level.value);
      row.hidden = !fits;
      kept += fits ? 1 : 0;
    }
    photo.hidden = kept === 0 && !everything;
    objects += kept;
    photos += photo.hidden ? 0 : 1;
  }
  const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  shown.textContent = `${counted(objects, "object")} in ${counted(photos, "photo")}`;
}
label.addEventListener("change", filter);
level.addEventListener("change", filter);
document.querySelector(".filters").hidden = false;
filter();
