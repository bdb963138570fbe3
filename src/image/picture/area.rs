//! Boxes.

use super::Picture;
use crate::base::Always;

/// Columns and rows of a part of the picture, the last ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u16,
    pub(super) right: u16,
    pub(super) top: u16,
    pub(super) bottom: u16,
}

impl Area {
    pub(super) const fn width(self) -> u32 {
        self.right.saturating_sub(self.left) as u32 + 1
    }

    pub(super) const fn height(self) -> u32 {
        self.bottom.saturating_sub(self.top) as u32 + 1
    }

    /// Columns and rows, each from the first to the last.
    pub(super) fn of(left: u32, right: u32, top: u32, bottom: u32) -> Self {
        let [left, right, top, bottom] =
            [left, right, top, bottom].map(|place| u16::try_from(place).always("sides are at most 2¹⁴"));
        Self { left, right, top, bottom }
    }

    /// Left, right, top and bottom.
    pub(super) fn sides(self) -> [u32; 4] {
        [self.left, self.right, self.top, self.bottom].map(u32::from)
    }

    pub(super) fn longer(self) -> u32 {
        self.width().max(self.height())
    }

    pub(super) fn shorter(self) -> u32 {
        self.width().min(self.height())
    }

    /// Whether its left, right, top and bottom are the picture's.
    pub(super) fn edges_of(self, picture: &Picture<'_>) -> [bool; 4] {
        let [left, right, top, bottom] = self.sides();
        [left == 0, right + 1 == picture.width, top == 0, bottom + 1 == picture.height]
    }

    pub(super) const fn is_inside(self, other: Self) -> bool {
        self.left > other.left && self.right < other.right && self.top > other.top && self.bottom < other.bottom
    }

    /// So many columns and rows fewer on every side, if enough for a digit are left.
    pub(super) fn without_margin(self, margin: u32) -> Option<Self> {
        let margin = u16::try_from(margin).ok()?;
        let inner = Self {
            left: self.left + margin,
            right: self.right.checked_sub(margin)?,
            top: self.top + margin,
            bottom: self.bottom.checked_sub(margin)?,
        };
        (inner.left + 8 <= inner.right && inner.top + 8 <= inner.bottom).then_some(inner)
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            right: self.right.max(other.right),
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// So many columns and rows more on every side, at most as far as the picture's first ones.
    pub(super) fn with_margin(self, margin: u32) -> Self {
        let margin = u16::try_from(margin).unwrap_or(u16::MAX);
        Self {
            left: self.left.saturating_sub(margin),
            right: self.right.saturating_add(margin),
            top: self.top.saturating_sub(margin),
            bottom: self.bottom.saturating_add(margin),
        }
    }

    /// What of it is within another one that it touches.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            right: self.right.min(other.right),
            top: self.top.max(other.top),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub(super) const fn touches(self, other: Self) -> bool {
        self.left <= other.right && other.left <= self.right && self.top <= other.bottom && other.top <= self.bottom
    }
}
