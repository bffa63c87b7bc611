// Filled in by the first change to this project.
return 0;
