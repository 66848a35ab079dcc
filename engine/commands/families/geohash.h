// Places on the earth as scores of a sorted set: geohashes of 52 bits, and the boxes of them in
// which a search looks. Numbers equal those of redis-server 7.0 to the last bit: they decide what
// is found.
//
// A geohash halves longitude and latitude in turn, `step` times each. Latitudes beyond those of the
// Mercator projection cannot be represented.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine::commands {

inline constexpr double kLongitudeMax = 180;
inline constexpr double kLatitudeMax = 85.05112878;

struct GeoPoint {
  double longitude;  // degrees
  double latitude;
  bool is_on_map() const;
};

// A whole number below 2^53; the place must be on the map.
double geo_score(const GeoPoint& place);
// The middle of the score's box. Any score has one, even if it is no geohash.
GeoPoint place_of(double score);
// Eleven characters in the alphabet of geohash.org.
std::string geohash_text(const GeoPoint& place);

double distance_m(const GeoPoint& a, const GeoPoint& b);

// An area: a circle, or a box whose sides run along meridians and parallels.
struct GeoShape {
  GeoPoint center{};
  double unit_m = 1;  // of the lengths that follow, in metres
  bool is_box = false;
  double radius = 0;
  double width = 0;
  double height = 0;

  // The distance in metres from the center, when the place is within.
  std::optional<double> distance_within(const GeoPoint& place) const;
};

// Scores from `min` to below `max` are those of one box.
struct ScoreRange {
  double min;
  double max;
};
// The boxes that together cover the shape, in the order in which Redis looks into them.
std::vector<ScoreRange> boxes_around(const GeoShape& shape);

}  // namespace engine::commands
