// Sliders, guesses and sortable tables of the book, without a kernel and without a request.
"use strict";

// Pages on a disk cannot read each other: a search there shows titles alone.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

for (const box of document.querySelectorAll(".frames")) {
  const frames = JSON.parse(box.dataset.frames);
  const [slider, value] = [box.querySelector("input"), box.querySelector("b")];
  const [said, image] = [box.querySelector("p"), box.querySelector("img")];
  slider.addEventListener("input", () => {
    const frame = frames[slider.value];
    slider.setAttribute("aria-valuetext", frame.value);
    value.textContent = frame.value;
    said.textContent = image.alt = frame.sentence;
    image.src = frame.src;
  });
  // The next picture is there when it is asked for.
  const load = () => frames.forEach((one) => { new Image().src = one.src; });
  for (const event of ["pointerenter", "focusin"]) box.addEventListener(event, load, { once: true });
}

// A guess is kept in this browser, and judged when its result comes into view.
const keyOf = (name) => `guess:${location.pathname.split("/").pop()}:${name}`;
const read = (name) => { try { return localStorage.getItem(keyOf(name)); } catch { return null; } };
for (const field of document.querySelectorAll("input[data-guess]")) {
  field.value = read(field.dataset.guess) ?? "";
  field.addEventListener("input", () => {
    try { localStorage.setItem(keyOf(field.dataset.guess), field.value); } catch { /* no storage */ }
  });
}
const judge = (result) => {
  const field = document.querySelector(`input[data-guess="${result.dataset.guess}"]`);
  const guess = (field ? field.value : "").trim().replace(",", ".");
  const off = Math.abs(Number(guess) - Number(result.dataset.came));
  let said = `; you guessed ${guess}, ${Number(off.toPrecision(3))} off`;
  if (guess === "") said = "; you wrote down no guess";
  else if (Number.isNaN(off)) said = `; a guess is a number, and yours is "${guess}"`;
  result.querySelector("span").textContent = said;
};
const results = [...document.querySelectorAll(".result")];
const judged = new IntersectionObserver((seen) => {
  seen.filter((one) => one.isIntersecting).forEach((one) => judge(one.target));
});
results.forEach((one) => judged.observe(one));
document.addEventListener("input", ({ target }) => {
  const known = results.filter((one) => one.dataset.guess === target.dataset.guess);
  known.filter((one) => one.querySelector("span").textContent).forEach(judge);
});

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const of = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => isNaN(of(a)) ? of(b).localeCompare(of(a)) : of(b) - of(a);
    const rows = [...table.tBodies[0].rows].sort(compare);
    table.tBodies[0].append(...(down ? rows : rows.reverse()));
  }));
}
