#include "engine/commands/families/geohash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace engine::commands {
namespace {

constexpr int kStepMax = 26;
constexpr double kEarthRadiusM = 6372797.560856;
constexpr double kMercatorMaxM = 20037726.37;

constexpr std::uint64_t kEvenBits = 0x5555555555555555;  // of the latitude
constexpr std::uint64_t kOddBits = ~kEvenBits;           // of the longitude

double radians(double degrees) {
  return degrees * (M_PI / 180.0);
}
double degrees(double radians) {
  return radians / (M_PI / 180.0);
}

// --- the hash ---

struct Geohash {
  std::uint64_t bits;
  int step;
};

std::uint64_t spread(std::uint32_t value) {
  std::uint64_t bits = value;
  bits = (bits | bits << 16) & 0x0000ffff0000ffff;
  bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits << 2) & 0x3333333333333333;
  return (bits | bits << 1) & kEvenBits;
}

std::uint32_t gather(std::uint64_t bits) {
  bits &= kEvenBits;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
  bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(bits | bits >> 16);
}

Geohash encode(const GeoPoint& place, double latitude_max, int step) {
  const auto cells = static_cast<double>(std::uint64_t{1} << step);
  const double latitude = (place.latitude + latitude_max) / (latitude_max + latitude_max);
  const double longitude = (place.longitude + kLongitudeMax) / (kLongitudeMax + kLongitudeMax);
  return {spread(static_cast<std::uint32_t>(latitude * cells)) |
              spread(static_cast<std::uint32_t>(longitude * cells)) << 1,
          step};
}

struct Area {
  GeoPoint low;
  GeoPoint high;
};

Area area_of(const Geohash& hash) {
  const auto cells = static_cast<double>(std::uint64_t{1} << hash.step);
  const std::uint32_t y = gather(hash.bits);
  const std::uint32_t x = gather(hash.bits >> 1);
  const auto degrees_at = [cells](std::uint32_t cell, double max) {
    return -max + cell / cells * (max + max);
  };
  return {{degrees_at(x, kLongitudeMax), degrees_at(y, kLatitudeMax)},
          {degrees_at(x + 1, kLongitudeMax), degrees_at(y + 1, kLatitudeMax)}};
}

// One coordinate moves by one cell, -1, 0 or 1, and wraps around.
std::uint64_t moved(std::uint64_t bits, std::uint64_t own, int step, int by) {
  const unsigned unused = 64 - 2 * static_cast<unsigned>(step);
  const std::uint64_t others = ~own;
  std::uint64_t coordinate = bits & own;
  if (by > 0) {  // the bits of the other coordinate, all set, carry it over
    coordinate += (others >> unused) + 1;
  } else if (by < 0) {
    coordinate |= others >> unused;
    coordinate -= (others >> unused) + 1;
  }
  if (by != 0) {
    coordinate &= own >> unused;
  }
  return coordinate | (bits & others);
}

Geohash neighbor(const Geohash& hash, int east, int north) {
  return {moved(moved(hash.bits, kOddBits, hash.step, east), kEvenBits, hash.step, north),
          hash.step};
}

// --- which boxes ---

// How fine the boxes may be so that nine of them cover a circle.
int step_for(double radius_m, double latitude) {
  if (radius_m == 0) {
    return kStepMax;
  }
  int step = 1;
  while (radius_m < kMercatorMaxM) {
    radius_m *= 2;
    ++step;
  }
  step -= 2;
  // Towards the poles a degree of longitude is shorter.
  step -= std::abs(latitude) > 80 ? 2 : std::abs(latitude) > 66 ? 1 : 0;
  return std::min(std::max(step, 1), kStepMax);
}

Area bounding_box(const GeoShape& shape) {
  const double height = shape.unit_m * (shape.is_box ? shape.height / 2 : shape.radius);
  const double width = shape.unit_m * (shape.is_box ? shape.width / 2 : shape.radius);
  const auto& [longitude, latitude] = shape.center;
  const double up = degrees(height / kEarthRadiusM);
  // At the edge farther from the equator, where it is widest in degrees.
  const double edge = latitude < 0 ? latitude - up : latitude + up;
  const double aside = degrees(width / kEarthRadiusM / std::cos(radians(edge)));
  return {{longitude - aside, latitude - up}, {longitude + aside, latitude + up}};
}

struct Direction {
  int east;
  int north;
};
constexpr std::array<Direction, 9> kDirections = {
    {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};

bool leaves_the_nine(const Geohash& hash, const Area& box) {
  return area_of(neighbor(hash, 0, 1)).high.latitude < box.high.latitude ||
         area_of(neighbor(hash, 0, -1)).low.latitude > box.low.latitude ||
         area_of(neighbor(hash, 1, 0)).high.longitude < box.high.longitude ||
         area_of(neighbor(hash, -1, 0)).low.longitude > box.low.longitude;
}

// Whether the shape, within `box`, does not reach over the edge of the middle one in this
// direction.
bool is_out_of_reach(const Direction& direction, const Area& middle, const Area& box) {
  return (direction.north < 0 && middle.low.latitude < box.low.latitude) ||
         (direction.north > 0 && middle.high.latitude > box.high.latitude) ||
         (direction.east < 0 && middle.low.longitude < box.low.longitude) ||
         (direction.east > 0 && middle.high.longitude > box.high.longitude);
}

// What x86-64 computes for a conversion to an unsigned integer that C++ leaves undefined.
std::uint64_t bits_of(double score) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (score >= kTwoTo63) {
    return score < 2 * kTwoTo63 ? static_cast<std::uint64_t>(score) : 0;
  }
  return score >= -kTwoTo63 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(score))
                            : std::uint64_t{1} << 63;
}

}  // namespace

bool GeoPoint::is_on_map() const {
  return longitude >= -kLongitudeMax && longitude <= kLongitudeMax && latitude >= -kLatitudeMax &&
         latitude <= kLatitudeMax;
}

double geo_score(const GeoPoint& place) {
  return static_cast<double>(encode(place, kLatitudeMax, kStepMax).bits);
}

GeoPoint place_of(double score) {
  const Area area = area_of({bits_of(score), kStepMax});
  const auto middle = [](double low, double high, double max) {
    return std::max(std::min((low + high) / 2, max), -max);
  };
  return {middle(area.low.longitude, area.high.longitude, kLongitudeMax),
          middle(area.low.latitude, area.high.latitude, kLatitudeMax)};
}

std::string geohash_text(const GeoPoint& place) {
  constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr double kLatitudeMaxOfText = 90;
  constexpr unsigned kBits = 2 * kStepMax;
  const std::uint64_t bits = encode(place, kLatitudeMaxOfText, kStepMax).bits;
  std::string text;
  for (unsigned used = 5; used <= kBits; used += 5) {
    text += kAlphabet[bits >> (kBits - used) & 31];
  }
  return text + kAlphabet[0];  // 52 bits are ten characters and a bit
}

double distance_m(const GeoPoint& a, const GeoPoint& b) {
  const double latitude_a = radians(a.latitude);
  const double latitude_b = radians(b.latitude);
  const double v = std::sin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (v == 0) {  // on one meridian: the same but for the last bits, which STOREDIST stores
    return kEarthRadiusM * std::abs(latitude_b - latitude_a);
  }
  const double u = std::sin((latitude_b - latitude_a) / 2);
  return 2.0 * kEarthRadiusM *
         std::asin(std::sqrt(u * u + std::cos(latitude_a) * std::cos(latitude_b) * v * v));
}

std::optional<double> GeoShape::distance_within(const GeoPoint& place) const {
  const double distance = distance_m(center, place);
  if (!is_box) {
    return distance > radius * unit_m ? std::nullopt : std::optional(distance);
  }
  const double along = distance_m(place, {center.longitude, place.latitude});
  const double across = distance_m(place, {place.longitude, center.latitude});
  return along > width * unit_m / 2 || across > height * unit_m / 2 ? std::nullopt
                                                                    : std::optional(distance);
}

std::vector<ScoreRange> boxes_around(const GeoShape& shape) {
  const Area box = bounding_box(shape);
  const double half_diagonal =
      std::sqrt((shape.width / 2) * (shape.width / 2) + (shape.height / 2) * (shape.height / 2));
  const double radius_m = (shape.is_box ? half_diagonal : shape.radius) * shape.unit_m;
  int step = step_for(radius_m, shape.center.latitude);
  Geohash hash = encode(shape.center, kLatitudeMax, step);
  if (step > 1 && leaves_the_nine(hash, box)) {
    hash = encode(shape.center, kLatitudeMax, --step);
  }
  const Area middle = area_of(hash);
  const unsigned unused = 52 - 2 * static_cast<unsigned>(step);
  std::vector<ScoreRange> ranges;
  std::optional<std::uint64_t> last;  // the middle one does not count, as in Redis
  for (const Direction& direction : kDirections) {
    const std::uint64_t bits = neighbor(hash, direction.east, direction.north).bits;
    // With boxes as large as a quarter of the earth, opposite neighbours are the same box.
    if ((step >= 2 && is_out_of_reach(direction, middle, box)) || last == bits) {
      continue;
    }
    ranges.push_back(
        {static_cast<double>(bits << unused), static_cast<double>((bits + 1) << unused)});
    if (direction.east != 0 || direction.north != 0) {
      last = bits;
    }
  }
  return ranges;
}

}  // namespace engine::commands
