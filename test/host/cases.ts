// Every case of the host suite, in the order in which they run: the first wants a window in which nothing was loaded yet.
import "./completion.cases";
import "./latency.cases";
import "./lifecycle.cases";
import "./places.cases";
import "./preparing.cases";
import "./solutions.cases";
