/**
 * The types that the modules of the page share. Both backends return these objects; their fields are
 * those of the service's JSON, with pictures as blobs.
 *
 * @typedef {object} Segmentation The result for one image and one model.
 * @property {string} name File name without suffix.
 * @property {string} model
 * @property {number} width
 * @property {number} height
 * @property {string[]} names Class names; the index is the value in the mask.
 * @property {string[]} colors #rrggbb
 * @property {number} background_index
 * @property {Object<string, number|null>} shares Share of the ground by terrain class.
 * @property {number} ground Share of all pixels that are ground.
 * @property {number} background
 * @property {number} nodata
 * @property {number|null} mean_confidence
 * @property {number} scale Factor by which the image was resized for the model.
 * @property {string[]} warnings Why the result cannot be trusted; usually empty.
 * @property {string|null} mission
 * @property {string|null} camera
 * @property {number|null} sol
 * @property {number|string|null} site
 * @property {number|string|null} drive
 * @property {string|null} time
 * @property {number} seconds
 * @property {Blob} image The gray image in 8 bits.
 * @property {Blob} mask PNG of class indices.
 * @property {Blob} confidence PNG of the probability of the class, 0 to 255.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string[]} names
 * @property {string[]} colors
 * @property {number} background_index
 * @property {number[]} outlined Classes that have an outline in overlays.
 * @property {boolean} predicts_background
 *
 * @typedef {object} Sample
 * @property {string} name
 * @property {string} title
 * @property {string} url
 *
 * @typedef {object} Backend What computes the results: the service, or a worker in the browser.
 * @property {string} promise Where images go, in one sentence.
 * @property {number} parallel Number of images that it works on at a time.
 * @property {RegExp} formats Names of files that are taken from a folder.
 * @property {string} accept What the dialog for files offers; empty: every file.
 * @property {string} saveTitle What saving a correction does.
 * @property {() => Promise<Model[]>} models The first is the default.
 * @property {() => Promise<Sample[]>} samples
 * @property {(name: string) => Promise<Blob>} sample
 * @property {() => Promise<{name: string, url: string}[]>} suggestions Unlabeled images whose labels
 *   would help most, best first; empty if there are none.
 * @property {(url: string) => Promise<Blob>} suggestion
 * @property {(file: File, model: string) => Promise<Segmentation>} segment
 * @property {(file: File, segmentation: Segmentation) => Promise<Blob|null>} geojson Polygons in map
 *   coordinates; null if the page should make them.
 * @property {(file: File, segmentation: Segmentation, mask: Blob) => Promise<string>} save Save a corrected mask;
 *   resolves with a message.
 */

export {};
