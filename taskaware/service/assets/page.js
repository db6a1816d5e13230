// The page of `taskaware serve`. Text of users goes into the page as text alone, never as markup.

const by = (id) => document.getElementById(id);
const KINDS = ["numeric", "boolean", "date", "category", "text"];
const PART = 100; // columns that are shown at a time
const SVG = "http://www.w3.org/2000/svg";
const state = { columns: [], shown: PART };
let watching = null;

// An element with properties and children; strings become text.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function drawn(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

function tell(text) {
  by("status").textContent = text;
}

function fail(error) {
  by("error").textContent = error ? error.message : "";
  by("error").hidden = !error;
  if (error) by("error").scrollIntoView({ block: "nearest" });
}

// What the place in the address names, so that a reload shows the same.
function place() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function go(changes) {
  const next = Object.entries({ ...place(), ...changes }).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(next)}`);
}

function headers(more = {}) {
  const token = sessionStorage.getItem("token");
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function refusal(answer) {
  let message = `The service answered ${answer.status}.`;
  try {
    message = (await answer.json()).error.message;
  } catch { /* not an answer of ours */ }
  by("token").hidden = answer.status !== 401;
  if (answer.status === 401) by("token-text").focus();
  return Object.assign(new Error(message), { status: answer.status });
}

async function ask(method, path, body) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, {
    method, headers: headers(json), body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

const given = async (path) => (await ask("GET", path)).json();
const sent = async (method, path, body) => (await ask(method, path, body)).json();

// Lets the browser save the content of an answer under a name.
async function save(answer, name) {
  const link = element("a", { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const download = async (path, name) => save(await ask("GET", path), name);

// Runs what a click asks for: the control rests meanwhile, and what goes wrong is shown.
async function act(control, text, work) {
  fail(null);
  tell(text);
  if (control) control.disabled = true;
  try {
    await work();
    tell("");
  } catch (error) {
    tell("");
    fail(error);
  } finally {
    if (control) control.disabled = false;
  }
}

function number(value, digits = 3) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits });
}

function list(id, texts) {
  by(id).replaceChildren(...texts.map((text) => element("li", {}, text)));
}

// Datasets

function upload(file) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/datasets?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    by("upload").hidden = false;
    request.upload.onprogress = (event) => { by("upload").value = event.total ? event.loaded / event.total : 0; };
    request.onerror = () => reject(new Error("The upload was cut off. Look whether the service is there."));
    request.onloadend = () => { by("upload").hidden = true; };
    request.onload = async () => {
      const answer = new Response(request.responseText, { status: request.status });
      if (answer.ok) resolve(await answer.json());
      else reject(await refusal(answer));
    };
    request.send(file);
  });
}

// Sends a large file in parts by the protocol tus, and goes on where a connection broke off.
async function uploadInParts(file, part) {
  const named = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const tus = (more) => headers({ "Tus-Resumable": "1.0.0", ...more });
  const begun = await fetch("/uploads", {
    method: "POST", headers: tus({ "Upload-Length": file.size, "Upload-Metadata": `filename ${named}` }),
  });
  if (!begun.ok) throw await refusal(begun);
  const at = begun.headers.get("location");
  by("upload").hidden = false;
  try {
    for (let offset = 0, failures = 0; offset < file.size;) {
      by("upload").value = offset / file.size;
      const type = "application/offset+octet-stream";
      const body = file.slice(offset, offset + part);
      const sends = { method: "PATCH", headers: tus({ "Upload-Offset": offset, "Content-Type": type }), body };
      let answer = await fetch(at, sends).catch(() => null);
      if (answer?.ok) {
        failures = 0;
      } else {
        if (answer && answer.status < 500 && ![409, 423].includes(answer.status)) throw await refusal(answer);
        if (++failures > 60) throw new Error("The upload was cut off. Look whether the service is there.");
        await new Promise((resolve) => { setTimeout(resolve, 1000); });
        answer = await fetch(at, { method: "HEAD", headers: tus({}) }).catch(() => null);
      }
      if (answer?.ok) offset = Number(answer.headers.get("upload-offset"));
    }
    return sent("POST", `/datasets?upload=${at.split("/").at(-1)}`, {});
  } finally {
    by("upload").hidden = true;
  }
}

async function take(file) {
  if (!file) return;
  await act(by("file"), `Uploading ${file.name} …`, async () => {
    const large = Number(by("file").dataset.large);
    const dataset = await (file.size > large ? uploadInParts(file, large) : upload(file));
    go({ dataset: dataset.id, rec: "", job: "", model: "" });
    for (const id of ["recommendation", "job", "model"]) by(id).hidden = true;
    await showDataset(dataset.id);
    if (!state.dataset.choices.target.length) await correct({ target: state.likely });
    await showKept();
  });
}

async function showKept() {
  const [datasets, models] = await Promise.all([given("/datasets?limit=10"), given("/models?limit=10")]);
  const open = (text, go) => element("button", { type: "button", onclick: go }, text);
  const rows = [
    ["Kept datasets", datasets.items.map((one) => open(one.name, () => openPlace({ dataset: one.id })))],
    ["Trained models", models.items.map((one) => open(
      `${one.about.dataset}: ${one.about.score_text}`, () => openPlace({ model: one.id }),
    ))],
  ];
  by("kept").replaceChildren(...rows.filter(([, all]) => all.length).flatMap(([title, all]) => [
    element("h3", {}, title), element("ul", { className: "kept" }, ...all.map((one) => element("li", {}, one))),
  ]));
}

async function openPlace(next) {
  history.replaceState(null, "", `#${new URLSearchParams(next)}`);
  await showAll();
}

async function showDataset(id) {
  const found = await given(`/datasets/${id}/preview?limit=500`);
  Object.assign(state, { dataset: found.dataset, columns: found.columns, shown: PART });
  state.likely = [].concat(found.likely_target)[0] || "";
  by("preview-title").textContent = `Columns of ${found.dataset.name}`;
  const size = `${number(found.dataset.rows)} rows, ${number(found.column_count)} columns.`;
  const task = found.task;
  by("shape").textContent = task
    ? `${size} ${task.problem}${task.class_count ? ` of ${task.class_count} classes` : ""}, scored by ${task.metric}.`
    : size;
  const chosen = found.dataset.choices.target[0] || (task ? state.likely : "");
  const names = found.columns.map((column) => column.name);
  by("target").replaceChildren(element("option", { value: "" }, "choose"), ...names.map(
    (name) => element("option", { value: name, selected: name === chosen }, name),
  ));
  by("problem").value = found.dataset.choices.problem;
  list("notes", [...found.notes, ...(task ? task.notes : []), ...(found.error ? [found.error.message] : [])]);
  showColumns();
  by("recommend").disabled = !task;
  by("preview").hidden = false;
}

function showColumns() {
  const target = by("target").value;
  by("columns").tBodies[0].replaceChildren(
    ...state.columns.slice(0, state.shown).map((column) => columnRow(column, column.name === target)),
  );
  by("more-columns").hidden = state.columns.length <= state.shown;
}

function columnRow(column, isTarget) {
  const kind = column.modality === "tables" ? column.kind : column.modality;
  const read = element("select", { ariaLabel: `Read ${column.name} as`, onchange: () => {
    const kinds = { ...state.dataset.choices.kinds };
    if (read.value) kinds[column.name] = read.value;
    else delete kinds[column.name];
    return act(read, "Reading again …", () => correct({ kinds }));
  } }, ...[["", `${kind || "not readable"}${column.stated ? "" : " (assumed)"}`], ...KINDS.map((one) => [one, one])].map(
    ([value, text]) => element("option", { value }, value ? text : column.stated ? "as the values say" : text),
  ));
  if (column.stated) read.value = column.kind;
  const use = element("input", { type: "checkbox", checked: !column.dropped, ariaLabel: `Use ${column.name}`,
    onchange: () => {
      const drop = state.dataset.choices.drop.filter((name) => name !== column.name);
      return act(use, "Reading again …", () => correct({ drop: use.checked ? drop : [...drop, column.name] }));
    } });
  return element("tr", {},
    element("th", { scope: "row" }, column.name, ...column.notes.map((note) => element("ul", {}, element("li", {}, note)))),
    element("td", {}, isTarget ? "target" : read),
    element("td", {}, number(column.missing)),
    element("td", {}, number(column.distinct)),
    element("td", {}, column.examples.slice(0, 3).join(", ")),
    element("td", {}, isTarget ? "" : use));
}

async function correct(changes) {
  await sent("PATCH", `/datasets/${state.dataset.id}`, changes);
  await showDataset(state.dataset.id);
}

// Recommendations

async function showRecommendation(id) {
  const { answer } = await given(`/recommendations/${id}`);
  state.rec = id;
  by("architecture").textContent = answer.architecture;
  const picture = await (await ask("GET", `/recommendations/${id}/drawing`)).blob();
  by("drawing").src = URL.createObjectURL(picture);
  by("drawing").alt = `The recommended network: ${answer.architecture}`;
  by("cost").textContent = `${number(answer.size)} parameters, ${number(answer.macs)} multiply-adds a row.`;
  showScore(answer);
  list("rec-notes", answer.notes);
  showMap(answer.neighbours);
  by("candidates").tBodies[0].replaceChildren(...answer.candidates.map((one) => element("tr", {},
    element("td", { className: "number" }, `${number(one.predicted_score)} ± ${number(one.uncertainty)}`),
    element("td", { className: "number" }, number(one.size)),
    element("td", {}, element("details", {}, element("summary", {}, one.found_by), one.architecture)))));
  by("recommendation").hidden = false;
}

function showScore(answer) {
  const [low, high] = answer.interval;
  const from = Math.min(0, low), to = Math.max(1, high), x = (value) => 20 + 460 * (value - from) / (to - from);
  const text = `${answer.measured ? "Measured" : "Expected"} ${answer.metric} ${number(answer.predicted_score)}, `
    + `with a chance of 80 % between ${number(low)} and ${number(high)}`;
  const picture = drawn("svg", { viewBox: "0 0 500 46", role: "img", "aria-label": text });
  picture.append(
    drawn("path", { d: "M20 20H480", class: "axis" }),
    drawn("path", { d: `M${x(low)} 20H${x(high)}M${x(low)} 12v16M${x(high)} 12v16`, class: "line" }),
    drawn("circle", { cx: x(answer.predicted_score), cy: 20, r: 6, class: "mark" }),
    drawn("text", { x: 20, y: 42 }, number(from)),
    drawn("text", { x: 480, y: 42, "text-anchor": "end" }, number(to)));
  by("score").replaceChildren(element("p", {}, `${text}.`), picture);
}

// Your dataset in the middle; the nearer a known task, the more it is like yours.
function showMap(neighbours) {
  const most = Math.max(...neighbours.map((one) => one.distance), 1e-9);
  const picture = drawn("svg", { viewBox: "0 0 320 260", role: "img",
    "aria-label": `Similar known tasks: ${neighbours.map((one) => one.name).join(", ")}` });
  for (const share of [0.5, 1]) picture.append(drawn("circle", { cx: 160, cy: 130, r: 105 * share, class: "axis" }));
  neighbours.forEach((one, nth) => {
    const angle = nth * 2.39996, radius = 15 + 90 * one.distance / most;
    const x = 160 + radius * Math.cos(angle), y = 130 + radius * Math.sin(angle);
    picture.append(drawn("circle", { cx: x, cy: y, r: 5, class: "mark" }),
      drawn("text", { x, y: y - 8, "text-anchor": "middle" }, `${one.name.slice(0, 24)} ${number(one.distance, 2)}`));
  });
  picture.append(drawn("circle", { cx: 160, cy: 130, r: 6, class: "self" }),
    drawn("text", { x: 160, y: 150, "text-anchor": "middle" }, "yours"));
  by("map").replaceChildren(picture);
}

// Jobs

async function* events(path, after, signal) {
  const answer = await fetch(`${path}?after=${after}`, { headers: headers(), signal });
  if (!answer.ok) throw await refusal(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const fields = Object.fromEntries(part.split("\n").map((line) => line.split(/: (.*)/s)));
      if (fields.data) yield { ...JSON.parse(fields.data), id: Number(fields.id) };
    }
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Watches a job to its end, also over a restart of the service; all that was told comes again after a reload.
async function watch(id) {
  watching?.abort();
  const mine = watching = new AbortController();
  const job = await given(`/jobs/${id}`);
  let curve = [], last = 0, status = "", error = null;
  state.job = id;
  by("job").hidden = false;
  by("job-title").textContent = `Training for ${job.name}`;
  by("cancel").hidden = false;
  showCurve(curve, job.metric);
  while (!["done", "failed", "cancelled"].includes(status)) {
    try {
      for await (const event of events(`/jobs/${id}/events`, last, mine.signal)) {
        last = event.id;
        if (event.event === "status") {
          ({ status, error } = event);
          if (event.attempt > 1) curve = [];
          by("job-status").textContent = event.attempt > 1 ? `${status}, attempt ${event.attempt}` : status;
        } else if (event.event === "phase") {
          by("job-status").textContent = event.phase;
        } else {
          // Steps that begin again are those of a training that diverged.
          if (curve.length && event.step <= curve.at(-1).step) curve = [];
          curve.push(event);
          by("job-progress").value = event.step / event.steps;
          by("job-status").textContent = `step ${number(event.step)} of ${number(event.steps)}, `
            + `${job.metric} ${number(event.shown)}`;
          showCurve(curve, job.metric);
        }
      }
      if (!["done", "failed", "cancelled"].includes(status)) {
        ({ status, error } = await given(`/jobs/${id}`));
      }
    } catch (problem) {
      if (mine.signal.aborted) return;
      if (problem.status) throw problem;
      by("job-status").textContent = "The service does not answer; trying again …";
    }
    await pause(700);
    if (mine.signal.aborted) return;
  }
  by("cancel").hidden = true;
  by("job-status").textContent = error ? `${status}: ${error.message}` : status;
  if (status === "done") {
    by("job-progress").value = 1;
    const { model } = await given(`/jobs/${id}`);
    go({ model });
    await showModel(model);
    await showKept();
  }
}

function showCurve(curve, metric) {
  const picture = drawn("svg", { viewBox: "0 0 600 180", role: "img", "aria-label": `${metric} by step` });
  picture.append(drawn("path", { d: "M50 10V150H590", class: "axis" }));
  const known = curve.filter((one) => one.shown !== null);
  if (known.length) {
    const scores = known.map((one) => one.shown), low = Math.min(...scores), high = Math.max(...scores);
    const spread = high - low || 1, end = curve.at(-1).steps;
    const points = known.map((one) => `${50 + 540 * one.step / end},${145 - 130 * (one.shown - low) / spread}`);
    picture.append(drawn("polyline", { points: points.join(" "), class: "line" }),
      drawn("text", { x: 46, y: 18, "text-anchor": "end" }, number(high)),
      drawn("text", { x: 46, y: 148, "text-anchor": "end" }, number(low)),
      drawn("text", { x: 590, y: 166, "text-anchor": "end" }, `${number(end)} steps`));
  }
  by("curve").replaceChildren(picture);
}

// Models

async function showModel(id) {
  const { about } = await given(`/models/${id}`);
  Object.assign(state, { model: id, about });
  by("model-title").textContent = `Model for ${about.target.join(", ")}`;
  by("model-about").textContent = `${about.problem}, ${about.members} networks, ${about.score_text} `
    + `on validation rows; trained on ${about.dataset}.`;
  const plain = about.columns.every((column) => column.modality === "tables" || column.modality === "text");
  by("row").hidden = !plain;
  by("row-fields").replaceChildren(...about.columns.slice(0, 200).map((column) => {
    const labels = column.labels.length && column.labels.length < 200;
    const field = labels
      ? element("select", { name: column.name }, ...["", ...column.labels].map((one) => element("option", {}, one)))
      : element("input", { name: column.name, inputMode: column.kind === "numeric" ? "decimal" : "text" });
    return element("label", {}, column.name, field);
  }));
  by("answer").value = "";
  by("model").hidden = false;
  state.exports = await given(`/models/${id}/exports`);
  by("export-form").replaceChildren(...state.exports.map(
    (one) => element("option", { value: one.form }, `${one.form}: ${one.needs}`),
  ));
  by("export-form").value = (state.exports.find((one) => !one.reason) ?? state.exports[0]).form;
  showExport();
}

// Whether the chosen form can be had, and if not, why.
function showExport() {
  const { reason } = state.exports.find((one) => one.form === by("export-form").value);
  by("export-reason").value = reason;
  by("export").querySelector("button").disabled = Boolean(reason);
}

async function predictRow() {
  const row = Object.fromEntries([...by("row-fields").querySelectorAll("input, select")].map(
    (field) => [field.name, field.value === "" ? null : field.value],
  ));
  const path = `/models/${state.model}/predict${state.about.classes.length ? "?proba=true" : ""}`;
  const found = await sent("POST", path, { rows: [row] });
  const first = Object.entries(found.columns).map(([name, [value]]) => [name, value]);
  by("answer").value = first.map(
    ([name, value]) => `${name}: ${typeof value === "number" ? number(value) : value}`,
  ).join("; ");
}

async function predictFile() {
  const [file] = by("rows").files, proba = by("proba").checked;
  const query = new URLSearchParams({ name: file.name, format: "csv", proba: String(proba) });
  const answer = await fetch(`/models/${state.model}/predict?${query}`, {
    method: "POST", headers: headers(), body: file,
  });
  if (!answer.ok) throw await refusal(answer);
  await save(answer, "predictions.csv");
}

const FILES = {
  "rec-json": () => download(`/recommendations/${state.rec}/file`, "recommendation.json"),
  "rec-source": () => download(`/recommendations/${state.rec}/source`, "network.py"),
  "model-zip": () => download(`/models/${state.model}/file`, "model.zip"),
  "model-source": () => download(`/models/${state.model}/source`, "network.zip"),
};

async function showAll() {
  for (const id of ["preview", "recommendation", "job", "model"]) by(id).hidden = true;
  const { dataset, rec, job, model } = place();
  watching?.abort();
  // A part that was deleted in the meantime leaves the others.
  const part = async (id, show) => {
    if (!id) return;
    try {
      await show(id);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  };
  await act(null, "", async () => {
    await showKept();
    await part(dataset, showDataset);
    await part(rec, showRecommendation);
    await part(model, showModel);
    if (job) act(null, "", () => part(job, watch));
  });
}

by("token").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", by("token-text").value);
  by("token").hidden = true;
  showAll();
});
by("file").addEventListener("change", () => take(by("file").files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  // Anywhere on the page: beside the field, a browser would open the file in its place.
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    by("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}
by("target").addEventListener("change", (event) =>
  act(event.target, "Reading again …", () => correct({ target: event.target.value })));
by("problem").addEventListener("change", (event) =>
  act(event.target, "Reading again …", () => correct({ problem: event.target.value })));
by("more-columns").addEventListener("click", () => {
  state.shown += PART;
  showColumns();
});
by("recommend").addEventListener("click", (event) => act(event.target, "Measuring the dataset …", async () => {
  const made = await sent("POST", "/recommendations", { dataset: state.dataset.id });
  go({ rec: made.id, job: "", model: "" });
  for (const id of ["job", "model"]) by(id).hidden = true;
  await showRecommendation(made.id);
  by("recommendation-title").scrollIntoView();
}));
by("train").addEventListener("submit", (event) => {
  event.preventDefault();
  const options = { recommendation: state.rec };
  for (const id of ["seconds", "members"]) if (by(id).value) options[id] = Number(by(id).value);
  act(event.submitter, "", async () => {
    const job = await sent("POST", "/jobs", options);
    go({ job: job.id, model: "" });
    by("model").hidden = true;
    act(null, "", () => watch(job.id));
  });
});
by("cancel").addEventListener("click", (event) =>
  act(event.target, "Cancelling …", () => sent("POST", `/jobs/${state.job}/cancel`)));
by("row").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, "Predicting …", predictRow);
});
by("many").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, "Predicting …", predictFile);
});
by("export-form").addEventListener("change", showExport);
by("export").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = by("export-form").value;
  act(event.submitter, "Preparing the file …", () =>
    download(`/models/${state.model}/exports/${form}`, `model-${form}.zip`));
});
for (const control of document.querySelectorAll("[data-file]")) {
  control.addEventListener("click", () => act(control, "Preparing the file …", FILES[control.dataset.file]));
}
by("delete-dataset").addEventListener("click", (event) => act(event.target, "Deleting …", async () => {
  await ask("DELETE", `/datasets/${state.dataset.id}`);
  go({ dataset: "" });
  by("preview").hidden = true;
  await showKept();
}));
by("delete-model").addEventListener("click", (event) => act(event.target, "Deleting …", async () => {
  await ask("DELETE", `/models/${state.model}`);
  go({ model: "" });
  by("model").hidden = true;
  await showKept();
}));
by("drawing").addEventListener("load", (event) => URL.revokeObjectURL(event.target.src));
window.addEventListener("hashchange", showAll);
showAll();
