//! Reconciles sources: fetches, packs and serves artifacts.
