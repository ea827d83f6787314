mod answers;
mod sessions;
mod stage;
