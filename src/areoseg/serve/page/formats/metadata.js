/**
 * Mission, camera, sol, site and drive from the name of a file, as in
 * `areoseg.data.missions.metadata`.
 */

const PATTERNS = [
  {
    mission: () => "MARS SCIENCE LABORATORY",
    pattern: /^(?<camera>[NFR][LR][AB])_(?<clock>\d{9})[0-9A-Z]{3}_[A-Z](?<site>[0-9A-Z]{3})(?<drive>[0-9A-Z]{4})[0-9A-Z_]{9}[A-Z]/,
    camera: ({ camera: [place, eye, computer] }) =>
      `${{ N: "NAV", F: "FHAZ", R: "RHAZ" }[place]}_${EYES[eye]}_${computer}`,
    sol: ({ clock }) => (clock < MSL_SOL_0 ? null : Math.floor((clock - MSL_SOL_0) / SOL)),
  },
  {
    mission: () => "MARS 2020",
    pattern: /^(?<camera>[NFRZ][LR])[0-9A-Z_][0-9A-Z_](?<sol>\d{4})[0-9A-Z_](?<clock>\d{10})_\d{3}[0-9A-Z]{3}[0-9A-Z_][NT_](?<site>[0-9A-Z]{3})(?<drive>[0-9A-Z]{4})[0-9A-Z_]{9}/,
    camera: ({ camera: [place, eye] }) => `${CAMERAS[place]}_${EYES[eye]}`,
    sol: ({ sol }) => Number(sol),
  },
  {
    mission: ({ rover }) => `MARS EXPLORATION ROVER ${rover}`,
    pattern: /^(?<rover>[12])(?<camera>[NFRP])(?<clock>\d{9})[0-9A-Z]{3}(?<site>[0-9A-Z]{2})(?<drive>[0-9A-Z]{2})[A-Z]\d{4}(?<eye>[LRBMN])/,
    camera: ({ camera, eye }) => (EYES[eye] ? `${CAMERAS[camera]}_${EYES[eye]}` : CAMERAS[camera]),
    sol: () => null,
  },
];

const EYES = { L: "LEFT", R: "RIGHT" };
const CAMERAS = { N: "NAVCAM", F: "FRONT_HAZCAM", R: "REAR_HAZCAM", P: "PANCAM", Z: "MASTCAM_Z" };
const MSL_SOL_0 = 397_446_660; // clock at the start of sol 0
const SOL = 88_775.244; // seconds

const UNKNOWN = { mission: null, camera: null, sol: null, site: null, drive: null, time: null };

/**
 * Return the metadata in a file name; unknown fields are null.
 * @param {string} name
 */
export function metadataFromName(name) {
  for (const { mission, pattern, camera, sol } of PATTERNS) {
    const match = pattern.exec(name.toUpperCase())?.groups;
    if (match) {
      return {
        ...UNKNOWN,
        mission: mission(match),
        camera: camera(match),
        sol: sol(match),
        site: placeIndex(match.site),
        drive: placeIndex(match.drive),
      };
    }
  }
  return UNKNOWN;
}

/** A number, or text if it contains a letter. */
function placeIndex(text) {
  return /^\d+$/.test(text) ? Number(text) : text;
}
