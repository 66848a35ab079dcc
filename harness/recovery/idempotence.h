// Whether a second start on a directory finds what the first one left.
#pragma once

#include "harness/recovery/recoverer.h"

namespace crashpoint::recovery {

// Adds the verdict of check "idempotent" to `first`, and the times of `second`, which recovered the
// directory that `first` left.
void check_idempotence(Recovered& first, const Recovered& second);

}  // namespace crashpoint::recovery
