"use strict";
// The tools of the table of cases: made here, since they do nothing without a script.
const table = document.querySelector(".cases table");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const rows = [...body.rows];
const text = rows.map(row => (row.cells[0].textContent + " " + row.cells[heads.length - 1].textContent).toLowerCase());

const tools = document.querySelector(".tools");
const search = Object.assign(document.createElement("input"), {type: "search", placeholder: "Filter cases and warnings"});
search.setAttribute("aria-label", "Filter cases and warnings");
const flagged = document.createElement("label");
const onlyFlagged = Object.assign(document.createElement("input"), {type: "checkbox"});
flagged.append(onlyFlagged, " only with warnings");
const download = Object.assign(document.createElement("button"), {type: "button", textContent: "Download CSV"});
const count = document.createElement("output");
tools.prepend(search, flagged, download, count);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let n = 0;
  rows.forEach((row, i) => {
    const fits = words.every(word => text[i].includes(word))
      && (!onlyFlagged.checked || row.cells[heads.length - 1].textContent !== "");
    row.hidden = !fits;
    n += fits;
  });
  count.textContent = `${n} of ${rows.length} cases`;
}

function sortBy(index) {
  const was = heads[index].getAttribute("aria-sort");
  const sign = was === "ascending" ? -1 : 1;
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[index].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const isNumber = heads[index].classList.contains("n");
  const key = row => isNumber ? Number(row.cells[index].dataset.v ?? NaN) : row.cells[index].textContent;
  const keyed = rows.map(row => [key(row), row]);
  // Cases without a value stand last either way.
  keyed.sort(([a], [b]) => isNumber
    ? Number.isNaN(a) - Number.isNaN(b) || sign * (a - b) || 0
    : (a === "") - (b === "") || sign * a.localeCompare(b, "en", {numeric: true}));
  body.append(...keyed.map(([, row]) => row));
}

// A field that a spreadsheet would run as a formula is made plain text.
const field = words => {
  const plain = /^[=+\-@\t\r]/.test(words) && Number.isNaN(Number(words)) ? "'" + words : words;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
};

function save() {
  const lines = [heads.map(head => field(head.dataset.name ?? head.textContent.trim()))];
  for (const row of body.rows) {
    if (!row.hidden) lines.push([...row.cells].map(cell => field(cell.dataset.v ?? cell.textContent)));
  }
  const blob = new Blob([lines.map(line => line.join(",")).join("\r\n") + "\r\n"], {type: "text/csv"});
  const link = Object.assign(document.createElement("a"), {href: URL.createObjectURL(blob), download: "cases.csv"});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

heads.forEach((head, index) => {
  const button = Object.assign(document.createElement("button"), {type: "button"});
  button.append(...head.childNodes);
  button.addEventListener("click", () => sortBy(index));
  head.append(button);
});
search.addEventListener("input", filter);
onlyFlagged.addEventListener("change", filter);
download.addEventListener("click", save);
filter();
