#!/usr/bin/env bash
# Pictures of no fruit from packages, for `make recogniser STRANGERS=folder`: what is learnt from lies below `learn`,
# what measures below `measure`; no package and no kind of stamp is in both. Needs Debian or Ubuntu, and pip.
# Usage: tools/gather_strangers.sh FOLDER
set -euo pipefail
target=${1:?Usage: tools/gather_strangers.sh FOLDER}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

unpack() { # PACKAGE INTO
  (cd "$work" && apt-get download "$1")
  mkdir -p "$2"
  dpkg -x "$work"/"$1"_*.deb "$2"
}

for package in plasma-workspace-wallpapers lomiri-wallpapers-16.04 lomiri-wallpapers-20.04; do
  unpack "$package" "$target/learn/$package"
done
for package in gnome-backgrounds mate-backgrounds ukui-wallpapers; do
  unpack "$package" "$target/measure/$package"
done

# Stamps are single things before nothing, as studio frames are. Food and mushrooms stay out.
unpack tuxpaint-stamps-default "$work/stamps"
stamps=$work/stamps/usr/share/tuxpaint/stamps
rm -rf "$stamps/food" "$stamps/plants/mushrooms"
for kind in "$stamps"/*; do
  case $(basename "$kind") in
    household | vehicles | seasonal | hobbies) into=measure ;;
    *) into=learn ;;
  esac
  mkdir -p "$target/$into/stamps"
  cp -r "$kind" "$target/$into/stamps/"
done

for package in scikit-image scikit-learn; do
  python3 -m pip download --quiet --no-deps --only-binary :all: -d "$work/$package" "$package"
  python3 -m zipfile -e "$work/$package"/*.whl "$work/$package/unpacked"
done
mkdir -p "$target/measure/scikit-image" "$target/measure/scikit-learn"
cp "$work"/scikit-image/unpacked/skimage/data/*.{png,jpg} "$target/measure/scikit-image/"
cp "$work"/scikit-learn/unpacked/sklearn/datasets/images/*.jpg "$target/measure/scikit-learn/"

find "$target" -type f ! -iname '*.png' ! -iname '*.jpg' ! -iname '*.jpeg' ! -iname '*.webp' -delete
for part in learn measure; do
  echo "$part: $(find "$target/$part" -type f | wc -l) pictures"
done
