// Sliders, guesses and sortable tables of the book, without a kernel and without a request.
"use strict";

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
const judged = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    const field = document.querySelector(`input[data-guess="${target.dataset.guess}"]`);
    const guess = field ? field.value : "";
    const off = Math.abs(Number(guess) - Number(target.dataset.came));
    target.querySelector("span").textContent = guess === ""
      ? "; you wrote down no guess" : `; you guessed ${guess}, ${Number(off.toPrecision(3))} off`;
  }
});
document.querySelectorAll(".result").forEach((one) => judged.observe(one));

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
