#include "harness/scenario/restarted.h"

namespace crashpoint::scenario {

Target restarted(const Case& of) {
  Target target = of.target;
  for (const auto& [directive, values] : of.recovery.config) {
    target.config[directive] = values;
  }
  return target;
}

}  // namespace crashpoint::scenario
