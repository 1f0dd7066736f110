// The one entry: what each module does stands in its first line.
import "./guard.js";
import "./menus.js";
import "./times.js";
import "./toasts.js";
import "./shortcuts.js";
import "./palette.js";
import "./composer.js";
import "./conversation.js";
import "./queue.js";
import "./choosing.js";
import "./copying.js";
import "./matches.js";
import "./presence.js";
import "./arrivals.js";
import "./live.js";
