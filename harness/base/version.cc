#include "harness/base/version.h"

namespace crashpoint {

std::string_view version() {
  return CRASHPOINT_VERSION;
}

}  // namespace crashpoint
