// How the search orders: words of the glossary, titles, lessons and pages, functions, other text.
"use strict";

var Scorer = {
  score: ([page, , , , score, , kind]) => {
    if (page.startsWith("docs/glossary")) return score + 40;
    if (kind === "object") return score > 15 ? score + 20 : score - 8; // the whole name, or a part
    if (page.startsWith("reference/") || page === "CHANGELOG") return score - 8;
    if (kind === "title") return score + 5;
    return page.endsWith(".deeper") ? score + 1 : /^(chapters.0|docs)/.test(page) ? score + 3 : score;
  },
  objNameMatch: 11, objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 40, partialTitle: 20, term: 5, partialTerm: 2,
};
