//! A Kubernetes object as data: identity, selectors, order of apply and delete, inventory, health.
