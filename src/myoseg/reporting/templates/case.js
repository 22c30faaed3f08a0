"use strict";
// Brightness and contrast of each sequence: made here, since they do nothing without a script.
for (const head of document.querySelectorAll("th[data-sequence]")) {
  const box = document.createElement("div");
  box.className = "window controls";
  for (const [name, property] of [["brightness", "--brightness"], ["contrast", "--contrast"]]) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, {type: "range", min: 0.3, max: 3, step: 0.05, value: 1});
    input.setAttribute("aria-label", `${name} of ${head.dataset.sequence}`);
    input.title = "double-click for as it was";
    const apply = () => {
      for (const picture of document.querySelectorAll(`img[data-sequence="${head.dataset.sequence}"]`)) {
        picture.style.setProperty(property, input.value);
      }
    };
    input.addEventListener("input", apply);
    input.addEventListener("dblclick", () => { input.value = 1; apply(); });
    label.append(name, input);
    box.append(label);
  }
  head.append(box);
}
