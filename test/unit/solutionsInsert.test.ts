// Inserting a solution while the editor changes, goes away, refuses or does not answer: it is inserted once, or the note says why not.
import { describe, expect, it } from "vitest";
import { TextDocument, type Range, type TextEdit } from "../../extension/completion/document";
import { insertSolution, type FileEditor, type Note, type SolutionFile } from "../../extension/solutions/insert";
import { InsertionPoint } from "../../extension/solutions/insertion";
import { TestClock } from "./solutionsFakes";

const BEFORE = "def f():\n    ";

/** A file in an editor that a test disturbs. */
class TestFile implements SolutionFile {
  text = `${BEFORE}\nend\n`;
  version = 1;
  shown = 0;
  revealed = 0;
  readonly point = new InsertionPoint({ position: { line: 1, character: 4 }, lead: "" });
  /** What happens as the editor is shown, and as it is asked for the edit; of each the first first. */
  readonly onShow: (() => Promise<void> | void)[] = [];
  readonly onReplace: ((edit: TextEdit) => Promise<boolean> | boolean)[] = [];

  view = (): TextDocument => new TextDocument(this.text, { languageId: "python", version: this.version });

  async show(): Promise<FileEditor> {
    this.shown++;
    await this.onShow.shift()?.();
    return {
      replace: async (range: Range, text: string) => {
        const disturbed = this.onReplace.shift();
        if (disturbed) return disturbed({ range, text });
        this.edit({ range, text });
        return true;
      },
      reveal: () => void this.revealed++,
    };
  }

  edit(edit: TextEdit): void {
    const view = this.view();
    this.text = this.text.slice(0, view.offsetAt(edit.range.start)) + edit.text + this.text.slice(view.offsetAt(edit.range.end));
    this.version++;
    this.point.documentChanged([edit]);
  }

  /** Another's edit: a line at the top. */
  addLine = (): void => this.edit({ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text: "# top\n" });
}

const clock = new TestClock();

async function insert(file: TestFile, text: string, options: { current?: () => boolean; onWait?: (note: Note) => void } = {}): Promise<Note> {
  let note: Note | undefined;
  void insertSolution({ open: () => Promise.resolve(file), point: file.point, text, current: () => true, clock, ...options }).then((made) => (note = made));
  for (let ms = 0; !note && ms < 60_000; ms += 100) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (!note) clock.advance(100);
  }
  return note ?? expect.unreachable("it neither inserts nor says why");
}

const rejected = (message: string) => (): Promise<never> => Promise.reject(new Error(message));

describe("insertSolution", () => {
  it("inserts, and the next one in place of it", async () => {
    const file = new TestFile();
    expect(await insert(file, "return 1")).toEqual({ kind: "info", text: "Inserted." });
    expect(await insert(file, "return 2")).toEqual({ kind: "info", text: "Inserted in place of the one before." });
    expect(file.text).toBe(`${BEFORE}return 2\nend\n`);
    expect([file.shown, file.revealed]).toEqual([2, 2]);
  });

  it("tries again where another editor opened in the meantime, or the editor was gone before the edit", async () => {
    const file = new TestFile();
    await insert(file, "return 1");
    file.onShow.push(rejected("Could NOT open editor because another editor opened in the meantime."));
    file.onReplace.push(rejected("TextEditor disposed"), () => false);
    expect(await insert(file, "return 2")).toEqual({ kind: "info", text: "Inserted in place of the one before." });
    expect(file.text).toBe(`${BEFORE}return 2\nend\n`);
  });

  it("goes where the place is by then, where the text changes as the editor is shown or under the edit", async () => {
    const file = new TestFile();
    file.onShow.push(file.addLine);
    file.onReplace.push(() => {
      file.addLine();
      return false;
    });
    expect((await insert(file, "return 1")).text).toBe("Inserted.");
    expect(file.text).toBe(`# top\n# top\n${BEFORE}return 1\nend\n`);
  });

  it("knows what it inserted, where another edit follows before the answer does", async () => {
    const file = new TestFile();
    file.onReplace.push((edit) => {
      file.edit(edit);
      file.addLine();
      return true;
    });
    await insert(file, "return 1");
    expect((await insert(file, "return 2")).text).toBe("Inserted in place of the one before.");
    expect(file.text).toBe(`# top\n${BEFORE}return 2\nend\n`);
  });

  it("is not inserted twice where the edit was made and its answer is lost", async () => {
    const file = new TestFile();
    file.onReplace.push((edit) => {
      file.edit(edit);
      return Promise.reject(new Error("TextEditor disposed"));
    });
    expect(await insert(file, "return 1")).toEqual({ kind: "info", text: "Inserted." });
    expect(file.text).toBe(`${BEFORE}return 1\nend\n`);
    expect([file.version, file.shown]).toEqual([2, 1]); // one edit, to be undone in one step
  });

  it("says so where it cannot be: read-only, never shown, closed, other solutions", async () => {
    const file = new TestFile();
    file.onReplace.push(() => true);
    expect(await insert(file, "x")).toEqual({ kind: "error", text: "The editor refused the edit; it may be read-only. Nothing was inserted." });
    file.onShow.push(...Array.from({ length: 10 }, () => rejected("no room")));
    expect(await insert(file, "x")).toEqual({ kind: "error", text: "VS Code did not make the edit (no room). Nothing was inserted: try again." });
    file.onShow.length = 0;
    expect((await insert(file, "x", { current: () => false })).text).toBe("The panel was closed, or other solutions were asked for, meanwhile: nothing was inserted.");
    const closed = await insertSolution({ open: () => Promise.resolve(null), point: file.point, text: "x", current: () => true });
    expect(closed.text).toBe("The file cannot be opened any more: nothing was inserted.");
    expect(file.text).toBe(`${BEFORE}\nend\n`);
  });

  it("says that it waits, and gives up where VS Code does not answer", async () => {
    const file = new TestFile();
    file.onShow.push(() => new Promise(() => undefined));
    const notes: Note[] = [];
    const note = await insert(file, "x", { onWait: (waits) => notes.push(waits) });
    expect(notes).toEqual([{ kind: "info", text: "Waiting for VS Code to show the file…" }]);
    expect(note).toEqual({ kind: "error", text: "VS Code has not shown the file within 20 s: nothing was inserted. Try again." });
  });
});
