/** Files that a person drops or chooses, folders included. */

/**
 * Return the files of a drop.
 * @param {DataTransfer} transfer
 * @param {RegExp} formats Names of files that are taken from folders.
 * @returns {Promise<File[]>}
 */
export async function droppedFiles(transfer, formats) {
  const roots = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!roots.length) return [...transfer.files];
  const found = [];
  for (const root of roots) {
    if (root.isFile) found.push(await opened(root));
    else found.push(...sorted((await filesBelow(root)).filter((file) => isImage(file, formats))));
  }
  return found;
}

/**
 * Return the files of an input; those of a folder are filtered and sorted.
 * @param {HTMLInputElement} input
 * @param {RegExp} formats
 */
export function chosenFiles(input, formats) {
  const files = [...input.files];
  input.value = ""; // the same files can be chosen again
  return input.webkitdirectory ? sorted(files.filter((file) => isImage(file, formats))) : files;
}

async function filesBelow(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    for (const entry of batch) {
      if (entry.isFile) found.push(await opened(entry));
      else found.push(...(await filesBelow(entry)));
    }
  }
}

function opened(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function isImage(file, formats) {
  return !file.name.startsWith(".") && formats.test(file.name);
}

function sorted(files) {
  const path = (file) => file.webkitRelativePath || file.name;
  return files.sort((a, b) => path(a).localeCompare(path(b), undefined, { numeric: true }));
}
